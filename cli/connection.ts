/** Where the service is and who speaks: from the environment, or from what `npm run dev` wrote in a folder above. */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RehearsalError } from "../core/errors.ts";

export interface Connection {
  /** Without a slash at its end. */
  url: string;
  key: string;
}

export type Variables = Record<string, string | undefined>;

/** REHEARSAL_URL and REHEARSAL_KEY, else the nearest `.rehearsal/connection.json`; throws `ConnectionMissing`. */
export async function findConnection(folder: string, variables: Variables): Promise<Connection> {
  const { REHEARSAL_URL: url, REHEARSAL_KEY: key } = variables;
  if (url) {
    // A key found in a file belongs to that file's service: no other gets to see it.
    if (!key) throw new RehearsalError("ConnectionMissing", { missing: "REHEARSAL_KEY is not set" });
    return checked(url, key, "REHEARSAL_URL");
  }
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, ".rehearsal", "connection.json");
    const found = await readIfThere(file);
    if (found !== undefined) return parse(found, file, key);
    if (at === dirname(at)) break;
  }
  throw new RehearsalError("ConnectionMissing", {
    missing: "REHEARSAL_URL is not set, and no folder from here upwards has .rehearsal/connection.json",
  });
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
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
  return checked(found.url, key, file);
}

function checked(url: string, key: string, where: string): Connection {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new RehearsalError("ConnectionMissing", { missing: `${where} has no address of http or https` });
  return { url: url.replace(/\/+$/, ""), key: key.trim() };
}
