/** Speaks with the API of a code host: waits where it is asked to slow down, and never longer than a note is worth. */
import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import { RehearsalError } from "../../core/errors.ts";
import { reasonOf } from "../fetch-reason.ts";

interface Rest {
  /** Throws `NoteRefused`. */
  call<S extends z.ZodType>(method: string, path: string, answer: S, body?: object): Promise<z.output<S>>;
  /** Every entry of a list, page by page; stops asking when nobody reads on. */
  list<S extends z.ZodType>(path: string, entry: S): AsyncIterable<z.output<S>>;
}

/** Seconds that a limit is waited for at most, and an answer; and how often something is sent. */
const PATIENCE = 60;
const TRIES = 4;
const PER_PAGE = 100;
/** Pages of notes beyond which ours is not looked for. */
const PAGES = 50;

/** `url` without a slash at its end; `headers` carry the credential. */
export function openRest(url: string, headers: Record<string, string>): Rest {
  const send = async (method: string, path: string, body?: object): Promise<Response> => {
    for (let tries = 1; ; tries++) {
      const response = await attempt(method, path, body);
      if (response.ok) return response;
      const wait = secondsToWait(response, tries);
      if (wait === undefined || wait > PATIENCE || tries === TRIES)
        throw await refusal(method, path, response);
      await response.body?.cancel();
      await pause(wait * 1_000);
    }
  };
  const attempt = async (method: string, path: string, body?: object): Promise<Response> => {
    try {
      return await fetch(url + path, {
        method,
        headers: { ...headers, ...(body !== undefined && { "content-type": "application/json" }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(PATIENCE * 1_000),
      });
    } catch (error) {
      throw new RehearsalError("NoteRefused", { what: `${method} ${path}`, reason: reasonOf(error) });
    }
  };
  /** A proxy's page, an answer that breaks off, or one that is about something else: no note came of it, and nothing worse. */
  const read = async <S extends z.ZodType>(
    what: string,
    response: Response,
    answer: S,
  ): Promise<z.output<S>> => {
    const told = answer.safeParse(await response.json().catch(() => undefined));
    if (told.success) return told.data;
    throw new RehearsalError("NoteRefused", { what, reason: "the answer is not understood" });
  };
  return {
    call: async (method, path, answer, body) =>
      read(`${method} ${path}`, await send(method, path, body), answer),
    list: async function* (path, entry) {
      for (let page = 1; page <= PAGES; page++) {
        const response = await send("GET", `${path}?per_page=${PER_PAGE}&page=${page}`);
        const entries = await read(`GET ${path}`, response, z.array(entry));
        yield* entries;
        if (entries.length < PER_PAGE) return;
      }
    },
  };
}

/**
 * Of a limit what its headers say, of a server's failure a moment; undefined for a refusal that stays one. See
 * https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api and
 * https://docs.gitlab.com/security/rate_limits/.
 */
function secondsToWait({ status, headers }: Response, tries: number): number | undefined {
  if (status >= 500) return 2 ** (tries - 2);
  if (status !== 429 && status !== 403) return undefined;
  const after = headers.get("retry-after");
  if (after !== null && /^\d+$/.test(after)) return Number(after);
  if ((headers.get("x-ratelimit-remaining") ?? headers.get("ratelimit-remaining")) === "0") {
    const reset = Number(headers.get("x-ratelimit-reset") ?? headers.get("ratelimit-reset") ?? Number.NaN);
    return Number.isFinite(reset) ? Math.max(0, reset - Date.now() / 1_000) : PATIENCE;
  }
  return status === 429 ? PATIENCE : undefined;
}

async function refusal(method: string, path: string, response: Response): Promise<RehearsalError> {
  // A refusal need not say why: then its status is what is told.
  const told = z.object({ message: z.unknown() }).safeParse(await response.json().catch(() => undefined));
  const said = told.success ? `: ${String(told.data.message).slice(0, 200)}` : "";
  return new RehearsalError("NoteRefused", {
    what: `${method} ${path.replace(/\?.*/, "")}`,
    reason: `${response.status}${said}`,
  });
}
