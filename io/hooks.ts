/** The environment's hooks: services that are told to stop, to start, or to prove that they work. */
import { RehearsalError } from "../core/errors.ts";
import { bareUrl } from "../core/policy.ts";

export type Hook = "stop" | "start" | "smoke";

/** Why services are stopped and started: a promotion, or a store that takes the database's place; `backend` is what counts then. */
export type HookCause = { promotion: string } | { store: string; backend: "postgres" | "json" };

/** Calls a hook by POST; throws `HookFailed` unless it answers 2xx within 30 seconds. An absent hook is fine. */
export async function callHook(
  hook: Hook,
  url: string | undefined,
  about: HookCause & { environment: string; release: string },
): Promise<"called" | "none"> {
  if (url === undefined) return "none";
  const refuse = (reason: string, cause?: unknown) =>
    new RehearsalError("HookFailed", { hook, url: bareUrl(url), reason }, { cause });
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ hook, ...about }),
      redirect: "error",
      signal: AbortSignal.timeout(30_000),
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // Fetch repeats the address with its password when it refuses it.
    throw refuse(reason.replaceAll(url, bareUrl(url)), error);
  }
  const text = await response.text();
  if (!response.ok) throw refuse(`it answered ${response.status}${text ? `: ${text.slice(0, 200)}` : ""}`);
  return "called";
}
