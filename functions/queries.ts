/** The queries of a release: those of the one that an environment runs, or of another that is uploaded. */
import { didYouMean } from "../core/did-you-mean.ts";
import { RehearsalError } from "../core/errors.ts";
import { parseQuery, type Query } from "../core/query/file.ts";
import { readBundle } from "../core/release.ts";
import { findRelease, releaseKey } from "../io/ledger/releases.ts";
import type { ObjectStore } from "../io/object-store.ts";
import type { Session } from "../io/postgres/session.ts";

interface ReleaseQueries {
  /** Its hash; null where nothing was promoted yet. */
  release: string | null;
  /** By name. */
  queries: Query[];
}

/** Reads them; `release` is a hash or its beginning. Throws `NotFound` where no such one is uploaded. */
export async function readQueries(
  ledger: Session,
  store: ObjectStore,
  environment: { release: string | null },
  release?: string,
): Promise<ReleaseQueries> {
  const hash = release === undefined ? environment.release : (await findRelease(ledger, release)).hash;
  if (hash === null) return { release: null, queries: [] };
  const { files } = readBundle(await store.get(releaseKey(hash)), hash);
  const queries: Query[] = [];
  // One after the other: the parser is one module with one memory.
  for (const { path, bytes } of files)
    if (path.startsWith("queries/")) queries.push(await parseQuery(path, bytes));
  return { release: hash, queries: queries.sort((one, other) => (one.name < other.name ? -1 : 1)) };
}

/** The query of that name; throws `QueryReleaseMissing` and `QueryUnknown`. */
export function findQuery(
  { release, queries }: ReleaseQueries,
  name: string,
  environment: string,
): { release: string; query: Query } {
  if (release === null) throw new RehearsalError("QueryReleaseMissing", { environment });
  const query = queries.find((one) => one.name === name);
  if (query !== undefined) return { release, query };
  const names = queries.map((one) => one.name);
  const known = names.length === 0 ? "it has none: they stand in queries/NAME.sql" : didYouMean(name, names);
  throw new RehearsalError("QueryUnknown", { query: name, release, known });
}
