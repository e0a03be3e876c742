/** The names that the service knows of a kind: for guesses at what was meant, and for completion. */
import * as z from "zod";
import type { Client } from "./client.ts";

const named = (field: string, of: string) =>
  z
    .looseObject({ [of]: z.array(z.looseObject({ [field]: z.string() })) })
    .transform((found) => (found[of] as Record<string, string>[]).flatMap((one) => one[field] ?? []));

const LISTS = {
  environment: { path: "/environments", names: named("name", "environments") },
  promotion: { path: "/promotions?limit=100", names: named("id", "promotions") },
  release: { path: "/releases?limit=100", names: named("hash", "releases") },
  backup: { path: "/backups?limit=100", names: named("id", "backups") },
  prune: { path: "/prunes?limit=100", names: named("id", "prunes") },
  hold: { path: "/holds?limit=100", names: named("id", "holds") },
  task: { path: "/tasks?limit=100", names: named("id", "tasks") },
};

export type Kind = keyof typeof LISTS;

/** True for what `knownNames` can list. */
export function isKind(word: string): word is Kind {
  return Object.hasOwn(LISTS, word);
}

/** The newest first; none when the service does not tell, for these are only a help. */
export async function knownNames(client: () => Promise<Client>, kind: Kind): Promise<string[]> {
  const { path, names } = LISTS[kind];
  try {
    return await (await client()).get(path, names);
  } catch {
    // Whoever asked goes on without.
    return [];
  }
}
