/** Prunes in the ledger: a row each, one for each of their records; every attempt takes a larger fencing token, and only the newest may write. */
import { type ErrorRecord, RehearsalError } from "../../core/errors.ts";
import {
  isPruneEnded,
  type PruneMode,
  type PruneStatus,
  type PruneTotals,
  type PruneTrigger,
} from "../../core/prunes.ts";
import type { Session } from "../postgres/session.ts";
import { takeToken } from "./tokens.ts";

/** What a prune leaves for its next round. */
export interface PruneFacts {
  /** The records that were named; the backlog's, a round after the other, when there are none. */
  named?: boolean;
  /** How many of the backlog it takes at most; all when left out. */
  limit?: number;
  /** How many records of it were taken. */
  taken?: number;
  /** How many batches were made. */
  batches?: number;
  /** The last record of the backlog that was looked at, in its order. */
  after?: string;
  /** Records of the backlog were left for another sweep. */
  more?: boolean;
  /** When the next batch may begin, by the ledger's clock, ISO 8601: the policy's rate. */
  nextAt?: string;
}

export interface Prune {
  id: string;
  environment: string;
  policy: string;
  release: string;
  digest: string;
  trigger: PruneTrigger;
  mode: PruneMode;
  /** Why nothing is deleted although the policy says so, or somebody asked for it. */
  modeReason: string | null;
  /** The prune whose records are brought back. */
  restores: string | null;
  requestedBy: string;
  status: PruneStatus;
  attempt: number;
  /** How many executions were started. */
  executions: number;
  facts: PruneFacts;
  counts: PruneTotals | Record<never, never>;
  report: { key: string; sha256: string } | null;
  error: ErrorRecord | null;
  createdAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
}

export interface PruneAttempt {
  prune: string;
  attempt: number;
  /** Larger than every token given out before it. */
  token: number;
}

const COLUMNS = `id, environment, policy, release, digest, trigger, mode, mode_reason as "modeReason", restores,
  requested_by as "requestedBy", status, attempt, executions, facts, counts, report, error, created_at as "createdAt",
  started_at as "startedAt", ended_at as "endedAt"`;

type NewPrune = Pick<
  Prune,
  | "id"
  | "environment"
  | "policy"
  | "release"
  | "digest"
  | "trigger"
  | "mode"
  | "modeReason"
  | "restores"
  | "requestedBy"
  | "facts"
>;

export async function insertPrune(session: Session, prune: NewPrune): Promise<void> {
  await session.query(
    `insert into ledger.prunes
        (id, environment, policy, release, digest, trigger, mode, mode_reason, restores, requested_by, facts)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      ...[prune.id, prune.environment, prune.policy, prune.release, prune.digest, prune.trigger, prune.mode],
      ...[prune.modeReason, prune.restores, prune.requestedBy, JSON.stringify(prune.facts)],
    ],
  );
}

/** The prune of that id; throws `NotFound`. `lock` holds its row until the transaction ends. */
export async function readPrune(session: Session, id: string, lock?: "lock"): Promise<Prune> {
  const [row] = await session.query<Prune>(
    `select ${COLUMNS} from ledger.prunes where id = $1 ${lock ? "for update" : ""}`,
    [id],
  );
  if (row === undefined) throw new RehearsalError("NotFound", { what: "prune", name: id });
  return row;
}

/** Newest first; of one environment, among some, of one policy or record when named; `before` is the id to go on from. */
export async function listPrunes(
  session: Session,
  options: {
    environment?: string;
    among?: readonly string[];
    policy?: string;
    record?: string;
    before?: string;
    limit: number;
  },
): Promise<Prune[]> {
  return session.query<Prune>(
    `select ${COLUMNS} from ledger.prunes p
      where ($1::text is null or environment = $1) and ($2::text[] is null or environment = any ($2))
        and ($3::text is null or policy = $3)
        and ($4::text is null or exists (select from ledger.prune_records r where r.prune = p.id and r.record = $4))
        and ($5::text is null or (p.created_at, p.id) < (select b.created_at, b.id from ledger.prunes b where b.id = $5
          and ($1::text is null or b.environment = $1) and ($2::text[] is null or b.environment = any ($2))))
      order by p.created_at desc, p.id desc limit $6`,
    [
      ...[options.environment ?? null, options.among ?? null, options.policy ?? null],
      ...[options.record ?? null, options.before ?? null, options.limit],
    ],
  );
}

/** Prunes that have not ended: the reconciler's work list. */
export async function listUnendedPrunes(session: Session): Promise<Prune[]> {
  return session.query<Prune>(
    `select ${COLUMNS} from ledger.prunes where status in ('created', 'running') order by created_at`,
  );
}

/** Prunes that ended badly at least `seconds` ago and left records half done: rows gone, and media still there. */
export async function listHalfDone(session: Session, seconds: number): Promise<Prune[]> {
  return session.query<Prune>(
    `select ${COLUMNS} from ledger.prunes p where status in ('failed', 'refused') and ended_at < now() - make_interval(secs => $1)
        and exists (select from ledger.prune_records r where r.prune = p.id and r.status in ('rows-deleted', 'media-deleted'))
      order by ended_at`,
    [seconds],
  );
}

/**
 * Begins an attempt at what is about the whole prune, which makes every older one a zombie; no attempt when the prune has
 * ended. Must be called inside a transaction.
 */
export async function beginPrune(
  session: Session,
  id: string,
): Promise<{ prune: Prune; attempt?: PruneAttempt }> {
  const prune = await readPrune(session, id, "lock");
  if (isPruneEnded(prune.status)) return { prune };
  const given = await takeToken(session, "prunes", id);
  return {
    prune: { ...prune, status: "running", attempt: given.attempt },
    attempt: { prune: id, ...given },
  };
}

/** Throws `AttemptStale` unless this is still the newest attempt of a prune that has not ended; holds its row until the transaction ends. */
export async function assertNewestOfPrune(session: Session, attempt: PruneAttempt): Promise<Prune> {
  const [row] = await session.query<Prune & { token: string }>(
    `select ${COLUMNS}, token from ledger.prunes where id = $1 for update`,
    [attempt.prune],
  );
  if (row === undefined || isPruneEnded(row.status) || Number(row.token) !== attempt.token)
    throw new RehearsalError("AttemptStale", { step: "prune", attempt: attempt.attempt });
  return row;
}

/** Merges facts. */
export async function addPruneFacts(session: Session, id: string, facts: PruneFacts): Promise<void> {
  await session.query("update ledger.prunes set facts = facts || $2::jsonb where id = $1", [
    id,
    JSON.stringify(facts),
  ]);
}

/** Notes why an attempt failed; the prune goes on. */
export async function notePruneError(session: Session, id: string, error: ErrorRecord): Promise<void> {
  await session.query("update ledger.prunes set error = $2 where id = $1", [id, JSON.stringify(error)]);
}

/** Nothing is deleted by it any more, for that reason. */
export async function turnToReport(session: Session, id: string, reason: string): Promise<void> {
  await session.query("update ledger.prunes set mode = 'report', mode_reason = $2 where id = $1", [
    id,
    reason,
  ]);
}

/** Ends a prune; the caller holds its row and knows that it may. */
export async function endPrune(
  session: Session,
  id: string,
  end: {
    status: PruneStatus;
    counts: PruneTotals;
    report?: { key: string; sha256: string };
    error?: ErrorRecord;
  },
): Promise<void> {
  await session.query(
    `update ledger.prunes set status = $2, counts = $3, report = coalesce($4, report), error = $5, ended_at = now()
      where id = $1`,
    [
      ...[id, end.status, JSON.stringify(end.counts)],
      end.report === undefined ? null : JSON.stringify(end.report),
      end.error === undefined ? null : JSON.stringify(end.error),
    ],
  );
}

/** A prune that ended badly goes on with what it left half done; returns the number of the execution to be started. */
export async function resumePrune(session: Session, id: string): Promise<number> {
  const [row] = await session.query<{ executions: number }>(
    `update ledger.prunes set status = 'running', ended_at = null, executions = executions + 1 where id = $1
      returning executions`,
    [id],
  );
  if (row === undefined) throw new RehearsalError("NotFound", { what: "prune", name: id });
  return row.executions;
}
