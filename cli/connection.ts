/** Where the service is and who speaks: from the environment, or from what `npm run dev` wrote in a folder above. */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RehearsalError } from "../core/errors.ts";
import { isLoopback } from "../core/loopback.ts";
import { orMissing } from "../core/missing.ts";
import { actionsTokens, asGiven, type Credential } from "./credential.ts";

export interface Connection {
  /** Without a slash at its end. */
  url: string;
  credential: Credential;
}

export type Variables = Record<string, string | undefined>;

/**
 * REHEARSAL_URL with REHEARSAL_KEY, with REHEARSAL_TOKEN, or in GitHub Actions with tokens that the job is given; else the
 * nearest `.rehearsal/connection.json`. Throws `ConnectionMissing`.
 */
export async function findConnection(folder: string, variables: Variables): Promise<Connection> {
  const { REHEARSAL_URL: url, REHEARSAL_KEY: key } = variables;
  if (url) {
    // A key found in a file belongs to that file's service: no other gets to see it.
    const service = checked(url, "REHEARSAL_URL");
    return { url: service, credential: key ? asGiven(key.trim()) : tokensFor(service, variables) };
  }
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, ".rehearsal", "connection.json");
    const found = await readFile(file, "utf8").catch(orMissing);
    if (found !== undefined) return parse(found, file, key);
    if (at === dirname(at)) break;
  }
  throw new RehearsalError("ConnectionMissing", {
    missing: "REHEARSAL_URL is not set, and no folder from here upwards has .rehearsal/connection.json",
  });
}

function parse(text: string, file: string, given: string | undefined): Connection {
  let found: { url?: unknown; key?: unknown };
  try {
    found = JSON.parse(text) as typeof found;
  } catch {
    throw new RehearsalError("ConnectionMissing", { missing: `${file} is not JSON` });
  }
  const key = given || found?.key;
  if (typeof found?.url !== "string" || typeof key !== "string")
    throw new RehearsalError("ConnectionMissing", { missing: `${file} has no url or no key` });
  const url = checked(found.url, file);
  // The file may have come with somebody's repository: what it says leads a key of yours nowhere but to this machine.
  if (given && !isLoopback(new URL(url).hostname))
    throw new RehearsalError("ConnectionMissing", {
      missing: `REHEARSAL_KEY is set and REHEARSAL_URL is not; ${file} names ${new URL(url).origin}, which is not given that key`,
    });
  return { url, credential: asGiven(key.trim()) };
}

/** A token that was given; where GitHub Actions makes them out, others after it. Its audience is the service's address, unless REHEARSAL_AUDIENCE says another. */
function tokensFor(service: string, variables: Variables): Credential {
  const { REHEARSAL_TOKEN, REHEARSAL_AUDIENCE } = variables;
  const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer } = variables;
  const first = REHEARSAL_TOKEN?.trim() || undefined;
  if (url && bearer) return actionsTokens({ url, bearer, audience: REHEARSAL_AUDIENCE || service, first });
  if (first !== undefined) return asGiven(first);
  throw new RehearsalError("ConnectionMissing", { missing: "REHEARSAL_KEY is not set" });
}

function checked(url: string, where: string): string {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new RehearsalError("ConnectionMissing", { missing: `${where} has no address of http or https` });
  return url.replace(/\/+$/, "");
}
