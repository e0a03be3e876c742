/**
 * The records of prunes in the ledger: each is in one prune at a time, and only the newest attempt at its batch may write.
 * Long because what a record may become is told in one place.
 */
import type { ErrorRecord } from "../../core/errors.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { SealedBundle } from "../../core/prune/bundle.ts";
import type {
  CandidateCounts,
  PruneCounts,
  PruneMode,
  PruneStatus,
  PruneTotals,
  RecordStatus,
} from "../../core/prunes.ts";
import { isPruneEnded } from "../../core/prunes.ts";
import type { Session } from "../postgres/session.ts";

export interface PruneRecord {
  prune: string;
  record: string;
  environment: string;
  policy: string;
  batch: number;
  status: RecordStatus;
  attempt: number;
  /** Why it was left. */
  error: ErrorRecord | null;
  candidates: CandidateCounts | null;
  /** The sealed bundle of what goes, which other records of its batch may be in: its manifest, and bytes of all that is in it. */
  bundle: (SealedBundle & { bytes: number }) | null;
  deleted: PruneCounts | null;
  restoredBy: string | null;
  restoredAt: Date | null;
  /** Its rows were there again with an older state of the database that took its place. */
  returnedAt: Date | null;
  updatedAt: Date;
}

export interface BatchAttempt {
  prune: string;
  batch: number;
  attempt: number;
  /** Larger than every token given out before it. */
  token: number;
}

const COLUMNS = `prune, record, environment, policy, batch, status, attempt, error, candidates, bundle, deleted,
  restored_by as "restoredBy", restored_at as "restoredAt", returned_at as "returnedAt", updated_at as "updatedAt"`;

const UNENDED = "('waiting', 'checked', 'ready', 'bundled', 'rows-deleted', 'media-deleted')";

/** Adds records to a prune, as one batch; returns those it added, without those that another prune has now. */
export async function insertRecords(
  session: Session,
  prune: { id: string; environment: string; policy: string },
  batch: number,
  records: readonly string[],
): Promise<string[]> {
  const inserted = await session.query<{ record: string }>(
    `insert into ledger.prune_records (prune, record, environment, policy, batch)
      select $1, record, $2, $3, $4 from unnest($5::text[]) as record on conflict do nothing returning record`,
    [prune.id, prune.environment, prune.policy, batch, records],
  );
  return inserted.map(({ record }) => record);
}

/** The records of a prune by their names, from behind `after`; of one status when named. */
export async function listRecords(
  session: Session,
  prune: string,
  options: { after?: string; status?: RecordStatus; limit: number },
): Promise<PruneRecord[]> {
  return session.query<PruneRecord>(
    `select ${COLUMNS} from ledger.prune_records where prune = $1 and ($2::text is null or record collate "C" > $2)
        and ($3::text is null or status = $3) order by record collate "C" limit $4`,
    [prune, options.after ?? null, options.status ?? null, options.limit],
  );
}

/** One record of a prune; throws `NotFound`. `lock` holds its row until the transaction ends. */
export async function readRecord(
  session: Session,
  prune: string,
  record: string,
  lock?: "lock",
): Promise<PruneRecord> {
  const [row] = await session.query<PruneRecord>(
    `select ${COLUMNS} from ledger.prune_records where prune = $1 and record = $2 ${lock ? "for update" : ""}`,
    [prune, record],
  );
  if (row === undefined) throw new RehearsalError("NotFound", { what: "record", name: record });
  return row;
}

/** The prune that has the record now; undefined when none has. */
export async function findPruneOf(
  session: Session,
  of: { environment: string; policy: string; record: string },
): Promise<string | undefined> {
  const [row] = await session.query<{ prune: string }>(
    `select prune from ledger.prune_records where environment = $1 and policy = $2 and record = $3 and status in ${UNENDED}`,
    [of.environment, of.policy, of.record],
  );
  return row?.prune;
}

/** The batches of a prune in which something is left to do. */
export async function listOpenBatches(session: Session, prune: string): Promise<number[]> {
  const found = await session.query<{ batch: number }>(
    `select distinct batch from ledger.prune_records where prune = $1 and status in ${UNENDED} order by batch`,
    [prune],
  );
  return found.map(({ batch }) => batch);
}

/** The records of a batch, in their order. */
export async function listBatch(session: Session, prune: string, batch: number): Promise<PruneRecord[]> {
  return session.query<PruneRecord>(
    `select ${COLUMNS} from ledger.prune_records where prune = $1 and batch = $2 order by record collate "C"`,
    [prune, batch],
  );
}

/**
 * Begins an attempt at a batch, which makes every older one of any of its states a zombie; gives its records as they stand,
 * in their order. Throws `AttemptStale` when the prune has ended. Must be called inside a transaction.
 */
export async function beginBatch(
  session: Session,
  prune: string,
  batch: number,
): Promise<{ records: PruneRecord[]; attempt: BatchAttempt }> {
  await assertUnended(session, prune);
  const [given] = await session.query<{ attempt: number; token: string }>(
    `select nextval('ledger.fencing_tokens') as token,
        greatest((select max(attempt) from ledger.prune_records where prune = $1 and batch = $2),
          (select attempts_above from ledger.interrupted where id = $1), 0) + 1 as attempt`,
    [prune, batch],
  );
  if (given === undefined) throw new Error("a select returned no row");
  await session.query(
    `update ledger.prune_records set attempt = $3, token = $4 where prune = $1 and batch = $2 and status in ${UNENDED}`,
    [prune, batch, given.attempt, given.token],
  );
  const records = await listBatch(session, prune, batch);
  return { records, attempt: { prune, batch, attempt: given.attempt, token: Number(given.token) } };
}

/** Throws `AttemptStale` unless this is still the newest attempt at the record's batch, in a prune that has not ended; holds the record's row until the transaction ends. */
export async function assertNewestOfRecord(
  session: Session,
  attempt: BatchAttempt,
  record: string,
): Promise<void> {
  await assertUnended(session, attempt.prune);
  const [row] = await session.query<{ token: string | null }>(
    `select token from ledger.prune_records where prune = $1 and record = $2 and status in ${UNENDED} for update`,
    [attempt.prune, record],
  );
  if (row === undefined || Number(row.token) !== attempt.token)
    throw new RehearsalError("AttemptStale", { step: "prune", attempt: attempt.attempt });
}

/** Notes why an attempt at a batch failed, with what is left of it; a later attempt is not touched. */
export async function noteBatchError(
  session: Session,
  { prune, batch, token }: BatchAttempt,
  error: ErrorRecord,
): Promise<void> {
  await session.query(
    `update ledger.prune_records set error = $4 where prune = $1 and batch = $2 and token = $3 and status in ${UNENDED}`,
    [prune, batch, token, JSON.stringify(error)],
  );
}

/** Until the transaction ends the prune does not end. */
async function assertUnended(session: Session, prune: string): Promise<void> {
  const [row] = await session.query<{ status: PruneStatus; attempt: number }>(
    "select status, attempt from ledger.prunes where id = $1 for share",
    [prune],
  );
  if (row === undefined || isPruneEnded(row.status))
    throw new RehearsalError("AttemptStale", { step: "prune", attempt: row?.attempt ?? 0 });
}

/** Moves a record on; what is left out stays as it was. */
export async function updateRecord(
  session: Session,
  { prune, record }: { prune: string; record: string },
  change: { status: RecordStatus } & Partial<
    Pick<PruneRecord, "error" | "candidates" | "bundle" | "deleted">
  >,
): Promise<void> {
  const json = (value: unknown) => (value === undefined || value === null ? null : JSON.stringify(value));
  await session.query(
    `update ledger.prune_records set status = $3, error = $4, candidates = coalesce($5, candidates),
        bundle = coalesce($6, bundle), deleted = coalesce($7, deleted), updated_at = now()
      where prune = $1 and record = $2`,
    [
      ...[prune, record, change.status],
      ...[json(change.error), json(change.candidates), json(change.bundle), json(change.deleted)],
    ],
  );
}

/** The records of a prune of which something is gone; of one that has not ended only those that came to their end. */
export async function listRestorable(session: Session, prune: string): Promise<PruneRecord[]> {
  return session.query<PruneRecord>(
    `select ${COLUMNS} from ledger.prune_records r where prune = $1 and deleted is not null and restored_at is null
        and (status in ('pruned', 'failed') or status in ('rows-deleted', 'media-deleted')
          and exists (select from ledger.prunes p where p.id = $1 and p.status in ('failed', 'refused')))
      order by record collate "C" for update`,
    [prune],
  );
}

/** A record that was left half done is brought back instead of finished: it comes to its end as it is. */
export async function leaveToRestore(
  session: Session,
  { prune, record }: { prune: string; record: string },
): Promise<void> {
  await session.query(
    "update ledger.prune_records set status = 'failed', updated_at = now() where prune = $1 and record = $2",
    [prune, record],
  );
}

/** Notes that a prune brought a record of another back. */
export async function markRestored(
  session: Session,
  { prune, record }: { prune: string; record: string },
  by: string,
): Promise<void> {
  await session.query(
    "update ledger.prune_records set restored_by = $3, restored_at = now() where prune = $1 and record = $2",
    [prune, record, by],
  );
}

/**
 * Another state of the database has taken the environment's place: what the ledger calls pruned and `evidence` does not name
 * (pairs of prune and record) has its rows again. Returns those records.
 */
export async function markReturned(
  session: Session,
  environment: string,
  evidence: readonly { prune: string; record: string }[],
): Promise<{ prune: string; record: string; policy: string }[]> {
  return session.query<{ prune: string; record: string; policy: string }>(
    `update ledger.prune_records r set returned_at = now()
      where environment = $1 and restored_at is null and returned_at is null
        and (status in ('pruned', 'rows-deleted', 'media-deleted') or status = 'failed' and deleted is not null)
        and not exists (select from jsonb_to_recordset($2::jsonb) as e (prune text, record text)
          where e.prune = r.prune and e.record = r.record)
      returning prune, record, policy`,
    [environment, JSON.stringify(evidence)],
  );
}

/**
 * The other way round: what the ledger calls brought back, or returned, and `pruned` names while `restored` (pairs of the prune that
 * brought it back and the record) does not, is gone again, and may be brought back from its bundle. Returns those records.
 */
export async function markGoneAgain(
  session: Session,
  environment: string,
  pruned: readonly { prune: string; record: string }[],
  restored: readonly { prune: string; record: string }[],
): Promise<{ prune: string; record: string; policy: string }[]> {
  return session.query<{ prune: string; record: string; policy: string }>(
    `update ledger.prune_records r set returned_at = null, restored_at = null, restored_by = null
      where environment = $1 and (restored_at is not null or returned_at is not null)
        and exists (select from jsonb_to_recordset($2::jsonb) as e (prune text, record text)
          where e.prune = r.prune and e.record = r.record)
        and not exists (select from jsonb_to_recordset($3::jsonb) as e (prune text, record text)
          where e.prune = r.restored_by and e.record = r.record)
      returning prune, record, policy`,
    [environment, JSON.stringify(pruned), JSON.stringify(restored)],
  );
}

/** Ends what of a prune has lost no rows, for the reason that each has, or else for this one. */
export async function leaveRecords(session: Session, prune: string, error: ErrorRecord): Promise<void> {
  await session.query(
    `update ledger.prune_records set status = 'failed', error = coalesce(error, $2), updated_at = now()
      where prune = $1 and status in ('waiting', 'checked', 'ready', 'bundled')`,
    [prune, JSON.stringify(error)],
  );
}

/** What the records of a prune add up to. */
export async function totalsOf(session: Session, prune: string): Promise<PruneTotals> {
  const [row] = await session.query<PruneTotals>(
    `with of as (select status, deleted from ledger.prune_records where prune = $1)
      select coalesce((select jsonb_object_agg(status, count) from (select status, count(*) from of group by status) s), '{}') as records,
        coalesce((select sum(value::bigint) from of, jsonb_each_text(deleted -> 'rows')), 0)::float8 as rows,
        coalesce((select sum((deleted ->> 'objects')::bigint) from of), 0)::float8 as objects,
        coalesce((select sum((deleted ->> 'bytes')::bigint) from of), 0)::float8 as bytes`,
    [prune],
  );
  return row ?? { records: {}, rows: 0, objects: 0, bytes: 0 };
}

/**
 * Of these records those with which nothing is left to do: under way, or at an end that this policy in this mode would come to
 * again. What was refused or failed comes up again after a day, and so does what came back with an older state.
 */
export async function listSettled(
  session: Session,
  of: { environment: string; policy: string; digest: string; mode: PruneMode },
  records: readonly string[],
): Promise<string[]> {
  const found = await session.query<{ record: string }>(
    `select distinct r.record from ledger.prune_records r join ledger.prunes p on p.id = r.prune
      where r.environment = $1 and r.policy = $2 and r.record = any ($5::text[]) and (r.status in ${UNENDED}
        or p.digest = $3 and p.mode = $4 and r.returned_at is null and r.restored_at is null
          and (r.status in ('reported', 'nothing-to-do', 'pruned')
            or r.status in ('refused', 'failed') and r.updated_at > now() - interval '1 day'))`,
    [of.environment, of.policy, of.digest, of.mode, records],
  );
  return found.map(({ record }) => record);
}
