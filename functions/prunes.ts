/** What is told of prunes beside their rows in the ledger: how far one is, and why rows stay. */
import type { PolicyTestReport } from "../core/policy-test.ts";
import type { CandidateCounts, PruneTotals } from "../core/prunes.ts";
import type { PolicyTest } from "../io/ledger/policy-tests.ts";
import { type PruneRecord, totalsOf } from "../io/ledger/prune-records.ts";
import { type Prune, readPrune } from "../io/ledger/prunes.ts";
import type { ObjectStore } from "../io/object-store.ts";
import type { Session } from "../io/postgres/session.ts";
import { readArtifact } from "./artifacts.ts";
import type { RecordFile } from "./prune/candidates.ts";

/** A prune with what it came to until now; throws `NotFound`. */
export async function readPruneSoFar(ledger: Session, id: string): Promise<Prune> {
  const prune = await readPrune(ledger, id);
  return prune.endedAt === null ? { ...prune, counts: await totalsOf(ledger, id) } : prune;
}

/** What a prune came to so far; nothing before its first batch. */
export function prunedSoFar({ counts }: Pick<Prune, "counts">) {
  const { records = {}, rows = 0, objects = 0, bytes = 0 }: Partial<PruneTotals> = counts;
  const all = Object.values(records).reduce((sum, count) => sum + count, 0);
  return { records: all, byStatus: records, rows, objects, bytes };
}

/** What a test of a policy came to, for people. */
export function toldBy({ result }: Pick<PolicyTest, "result">) {
  const { problems, records, rows } = result as unknown as PolicyTestReport;
  const went = Object.values(rows).reduce((sum, count) => sum + count, 0);
  return { problems: problems.slice(0, 5), records: records.tested, rows: went };
}

export interface Kept {
  /** Quoted and qualified. */
  table: string;
  rows: number;
  why: string;
}

/** Of each record what stays and why, in words, an entry for each table and reason; those that were not looked at are left out. */
export async function keptIn(
  store: ObjectStore,
  records: readonly PruneRecord[],
): Promise<Map<string, Kept[]>> {
  const found = await Promise.all(
    records.flatMap(({ record, candidates }) =>
      candidates === null || Object.keys(candidates.kept).length === 0
        ? []
        : [readKept(store, candidates).then((kept): [string, Kept[]] => [record, kept])],
    ),
  );
  return new Map(found);
}

async function readKept(store: ObjectStore, { file, kept }: CandidateCounts): Promise<Kept[]> {
  if (file === undefined)
    return Object.entries(kept).map(([table, rows]) => ({ table, rows, why: "the report tells why" }));
  const read = await readArtifact<RecordFile>(store, file.key, "rehearsal-prune-record/1", file.sha256);
  const grouped = Map.groupBy(read.kept, ({ table, because }) => JSON.stringify([table, because]));
  return [...grouped.values()].flatMap((rows) =>
    rows.slice(0, 1).map(({ table, because }) => ({ table, rows: rows.length, why: because })),
  );
}
