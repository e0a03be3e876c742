/** What a command shows of who it is: a key or a token as it was given, or tokens that GitHub Actions makes out, one after the other. */
import * as z from "zod";
import { RehearsalError } from "../core/errors.ts";
import { reasonOf } from "./fetch-reason.ts";

/** What is shown now; given the one that the service has just refused, another where there may be one. */
export type Credential = (refused?: string) => Promise<string>;

export function asGiven(text: string): Credential {
  return async () => text;
}

/**
 * Where a job of GitHub Actions asks for tokens:
 * https://docs.github.com/en/actions/reference/security/oidc#methods-for-requesting-the-oidc-token
 */
interface TokenRequest {
  url: string;
  /** What the job shows to get them. */
  bearer: string;
  /** For whom they are: the service. */
  audience: string;
  /** One that is there already. */
  first?: string | undefined;
}

/** Seconds before its end at which a token is not shown any more. */
const SPARE = 30;

/** Tokens live for minutes and a promotion may take hours: another is asked for when the last is over, or refused. Throws `TokenNotGiven`. */
export function actionsTokens(request: TokenRequest): Credential {
  let current = request.first;
  let asking: Promise<string> | undefined;
  return async (refused) => {
    if (current !== undefined && current !== refused && secondsLeft(current) > SPARE) return current;
    asking ??= ask(request).finally(() => {
      asking = undefined;
    });
    current = await asking;
    return current;
  };
}

const answer = z.object({ value: z.string().min(1) });

/** Milliseconds that the pipeline's host is given to make a token. */
const PATIENCE = 30_000;

async function ask({ url, bearer, audience }: TokenRequest): Promise<string> {
  const refuse = (reason: string) => new RehearsalError("TokenNotGiven", { reason });
  if (!URL.canParse(url)) throw refuse("ACTIONS_ID_TOKEN_REQUEST_URL is no address");
  const asked = new URL(url);
  asked.searchParams.set("audience", audience);
  let response: Response;
  try {
    response = await fetch(asked, {
      headers: { authorization: `Bearer ${bearer}`, accept: "application/json" },
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch (error) {
    throw refuse(`nobody answers (${reasonOf(error)})`);
  }
  // What is no JSON is no answer, and is refused as one.
  const told = answer.safeParse(await response.json().catch(() => undefined));
  if (!response.ok || !told.success) throw refuse(`the answer was ${response.status}`);
  return told.data.value;
}

/** Until the token says that it ends; without end where it does not say, for the service judges. */
function secondsLeft(token: string): number {
  const [, claims = ""] = token.split(".");
  try {
    const { exp } = JSON.parse(Buffer.from(claims, "base64url").toString()) as { exp?: unknown };
    return typeof exp === "number" ? exp - Date.now() / 1_000 : Number.POSITIVE_INFINITY;
  } catch {
    // Not a token that we can read: nothing is known of its end.
    return Number.POSITIVE_INFINITY;
  }
}
