/** Candidates: what may go of each record, what stays and why, as a file; a prune that only reports ends its records here. */
import type { Json } from "../../core/canonical-json.ts";
import { sha256 } from "../../core/digest.ts";
import type { CandidateCounts, RecordStatus } from "../../core/prunes.ts";
import type { Prune } from "../../io/ledger/prunes.ts";
import {
  type Candidates,
  type RecordCandidates,
  readCandidates,
} from "../../io/postgres/prune/candidates.ts";
import type { Session } from "../../io/postgres/session.ts";
import { writeArtifact } from "../artifacts.ts";
import { asBatch, type PruneInput } from "./context.ts";

/** What of one record goes and stays, as the report has it. */
export interface RecordFile {
  format: "rehearsal-prune-record/1";
  record: string;
  going: { table: string; keys: string[][] }[];
  objects: { key: string; bytes: number; sha256: string | null }[];
  kept: { table: string; key: string[]; because: string }[];
  /** Objects that rows of its batch which go name, and rows that stay as well. */
  shared: { key: string; because: string }[];
}

/** Answers with how many records have something to delete. */
export async function candidates(ledger: Session, input: PruneInput): Promise<Json> {
  // What was counted before goes on, unless nothing may be deleted any more.
  const next = ({ mode }: Prune): RecordStatus[] =>
    mode === "report" ? ["checked", "ready", "bundled"] : ["checked"];
  const records = await asBatch(ledger, input, next, async (context) => {
    const { prune, attempt, records, store, target } = context;
    const plan = await target.plan(await context.policy());
    const names = records.map(({ record }) => record);
    const found = await readCandidates(await target.session(), plan, names);
    for (const one of found.records) {
      const file = fileOf(found, one);
      const key = recordKeyOf(prune.id, one.record, attempt.attempt);
      const { sha256: hash } = await writeArtifact(store, key, file);
      const nothing = file.going.length === 0;
      await context.move(one.record, {
        status: nothing ? "nothing-to-do" : prune.mode === "report" ? "reported" : "ready",
        candidates: { ...countsOf(file), file: { key, sha256: hash } },
      });
    }
  });
  const ready = records.filter(({ status }) => READY.has(status)).length;
  return { ready };
}

const READY: ReadonlySet<string> = new Set(["ready", "bundled", "rows-deleted", "media-deleted"]);

function recordKeyOf(prune: string, record: string, attempt: number): string {
  return `prunes/${prune}/records/${sha256(record).slice(0, 32)}-${attempt}.json`;
}

function fileOf({ objects, shared }: Candidates, one: RecordCandidates): RecordFile {
  return {
    format: "rehearsal-prune-record/1",
    record: one.record,
    going: one.going.map(({ table, keys }) => ({ table, keys: keys.map((key) => [...key]) })),
    objects: objects
      .filter(({ records }) => records.includes(one.record))
      .map(({ key, bytes, sha256 }) => ({ key, bytes, sha256 })),
    kept: one.kept.map(({ table, key, because }) => ({ table, key: [...key], because })),
    // Of the whole batch: whose rows name them is of no interest to whoever asks why they stay.
    shared: shared.map(({ key, because }) => ({ key, because })),
  };
}

function countsOf({ going, objects, kept }: RecordFile): CandidateCounts {
  return {
    rows: Object.fromEntries(going.map(({ table, keys }) => [table, keys.length])),
    objects: objects.length,
    bytes: objects.reduce((sum, { bytes }) => sum + bytes, 0),
    kept: Object.fromEntries(
      [...Map.groupBy(kept, ({ table }) => table)].map(([table, some]) => [table, some.length]),
    ),
  };
}
