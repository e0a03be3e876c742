/**
 * Shared backups in the ledger: who copies which unit of one. A unit is lent until an instant and no longer, whatever became of
 * the connection that took it; whoever records it first has copied it. Every statement is one transaction, and holds only while
 * its attempt of back-up is the one that runs: the ledger fails it when another begins.
 */
import type { CopiedObject } from "../../core/backup-manifest.ts";
import { type ErrorRecord, RehearsalError } from "../../core/errors.ts";
import { isEnded, type Status } from "../../core/steps.ts";
import type { Copied } from "../postgres/copy-units.ts";
import type { Session } from "../postgres/session.ts";
import type { CopyOrders, Share, Taken } from "../postgres/shared-copy.ts";
import { readPromotion } from "./promotions.ts";
import { type Attempt, assertNewest } from "./steps.ts";

/** A unit is another's when nothing was heard for so long of whoever has it, and an attempt dead. */
const LENT = "interval '30 seconds'";

/** The attempt runs, and has not ended the sharing. */
const CURRENT = `exists (select from ledger.shared_backups b
    join ledger.steps s on s.promotion = b.promotion and s.attempt = b.attempt and s.step = 'back-up'
  where b.promotion = $1 and b.attempt = $2 and b.closed_at is null and s.status = 'running')`;

/** Those of the unit's rows that are this attempt's. */
const OWN = "promotion = $1 and attempt = $2";

export interface ShareOf {
  promotion: string;
  attempt: number;
  /** The run that speaks; also the folder that it writes to. */
  run: string;
}

/** Begins the sharing of an attempt: from now on others may join it. Throws `AttemptStale` when it is not the newest. */
export async function openShare(
  session: Session,
  attempt: Attempt,
  {
    run,
    prefix,
    lockedUntil,
    orders,
  }: { run: string; prefix: string; lockedUntil: Date | undefined; orders: CopyOrders },
): Promise<Share> {
  const of = { promotion: attempt.promotion, attempt: attempt.attempt, run };
  const own = [of.promotion, of.attempt];
  await session.transaction(async () => {
    await assertNewest(session, attempt);
    await session.query(
      "update ledger.shared_backups set closed_at = now(), plan = null where promotion = $1 and closed_at is null",
      [of.promotion],
    );
    await session.query(
      `insert into ledger.shared_backups (promotion, attempt, prefix, locked_until, plan, alive_until)
        values ($1, $2, $3, $4, $5, now() + ${LENT})`,
      [...own, prefix, lockedUntil ?? null, JSON.stringify(orders)],
    );
    await session.query(
      `insert into ledger.shared_units (promotion, attempt, unit, bytes)
        select $1, $2, place - 1, bytes from unnest($3::bigint[]) with ordinality as given (bytes, place)`,
      [...own, orders.units.map(({ bytes }) => bytes)],
    );
    await insertRun(session, of, 0);
  });
  return shareOf(session, of);
}

/** What a worker finds: something to join, nothing yet, or nothing for it to do any more. */
export type Found = FoundShare | "not-yet" | "over";

interface FoundShare {
  attempt: number;
  prefix: string;
  lockedUntil: Date | null;
  orders: CopyOrders;
}

/** The sharing that runs. It is over once a backup is taken, or the promotion goes another way. */
export async function findShare(session: Session, promotion: string): Promise<Found> {
  const { status } = await readPromotion(session, promotion);
  const [newest] = await session.query<{ status: string; ending: boolean }>(
    `select status, exists (select from ledger.steps where promotion = $1 and step in ('refuse', 'roll-back', 'hold')) as ending
      from ledger.steps where promotion = $1 and step = 'back-up' order by attempt desc limit 1`,
    [promotion],
  );
  if (isEnded(status as Status) || newest?.status === "succeeded" || newest?.ending) return "over";
  const [found] = await session.query<FoundShare>(
    `select b.attempt, b.prefix, b.locked_until as "lockedUntil", b.plan as orders from ledger.shared_backups b
        join ledger.steps s on s.promotion = b.promotion and s.attempt = b.attempt and s.step = 'back-up'
      where b.promotion = $1 and b.closed_at is null and b.alive_until > now() and s.status = 'running'`,
    [promotion],
  );
  return found ?? "not-yet";
}

/** Whether a unit of at most so many bytes is there for another run to take. */
export async function isAnyLeft(
  session: Session,
  { promotion, attempt }: Pick<ShareOf, "promotion" | "attempt">,
  mostBytes: number,
): Promise<boolean> {
  const left = await session.query(
    `select from ledger.shared_units where ${OWN} and ${CURRENT} and result is null
        and (taken_until is null or taken_until < now()) and bytes <= $3::float8 limit 1`,
    [promotion, attempt, Math.min(mostBytes, Number.MAX_SAFE_INTEGER)],
  );
  return left.length > 0;
}

/** Makes the run known as a worker's; what it writes is looked for from then on. */
export async function joinShare(session: Session, of: ShareOf, worker: number): Promise<Share> {
  await insertRun(session, of, worker);
  return shareOf(session, of);
}

async function insertRun(session: Session, { promotion, attempt, run }: ShareOf, worker: number) {
  await session.query(
    "insert into ledger.shared_runs (promotion, attempt, run, worker) values ($1, $2, $3, $4)",
    [promotion, attempt, run, worker],
  );
}

/** The run has ended, and nothing of it is left that does not count; with an error nobody knows. */
export async function endRun(session: Session, of: ShareOf, error?: ErrorRecord): Promise<void> {
  await session.query(
    `update ledger.shared_runs set error = $4::jsonb, ended_at = case when $4::jsonb is null then now() end
      where ${OWN} and run = $3`,
    [of.promotion, of.attempt, of.run, error === undefined ? null : JSON.stringify(error)],
  );
}

export interface SharedRun {
  run: string;
  worker: number;
  units: number;
  bytes: number;
  rows: number;
  ended: boolean;
  error: ErrorRecord | null;
}

/** Everybody who took part, the attempt itself first. */
export async function listRuns(session: Session, promotion: string, attempt: number): Promise<SharedRun[]> {
  return session.query<SharedRun>(
    `select run, worker, units, bytes::float8 as bytes, rows::float8 as rows, ended_at is not null as ended, error
      from ledger.shared_runs where ${OWN} order by worker, seen_at, run`,
    [promotion, attempt],
  );
}

function shareOf(session: Session, { promotion, attempt, run }: ShareOf): Share {
  const own = [promotion, attempt];
  return {
    take: async (mostBytes): Promise<Taken> => {
      const [taken] = await session.query<{ unit: number }>(
        `update ledger.shared_units set runs = runs || $3::text, taken_until = now() + ${LENT}
          where ${OWN} and ${CURRENT} and unit = (select unit from ledger.shared_units
            where ${OWN} and result is null and (taken_until is null or taken_until < now())
              and not ($3::text = any (runs)) and bytes <= $4::float8
            order by unit limit 1 for update skip locked)
          returning unit`,
        [...own, run, Math.min(mostBytes, Number.MAX_SAFE_INTEGER)],
      );
      if (taken !== undefined) return taken.unit;
      const [standing] = await session.query<{ current: boolean; open: boolean }>(
        `select ${CURRENT} as current,
          exists (select from ledger.shared_units where ${OWN} and result is null) as open`,
        own,
      );
      if (standing?.open === false) return "all-copied";
      return standing?.current ? "others" : "over";
    },

    record: async (unit, result) => {
      const [row] = await session.query<{ recorded: boolean }>(
        `with recorded as (
            update ledger.shared_units set result = $5::jsonb, run = $3::text, taken_until = null
              where ${OWN} and unit = $4 and result is null and ${CURRENT} returning unit),
          counted as (
            update ledger.shared_runs set units = units + 1, bytes = bytes + $6::bigint, rows = rows + $7::bigint, seen_at = now()
              where ${OWN} and run = $3::text and exists (select from recorded))
          select exists (select from recorded) as recorded`,
        [...own, run, unit, JSON.stringify(result), result.object?.rawBytes ?? 0, result.rows],
      );
      return row?.recorded === true;
    },

    beat: async (units) => {
      const leads =
        "exists (select from ledger.shared_runs where promotion = $1 and attempt = $2 and run = $3 and worker = 0)";
      const [standing] = await session.query<{
        current: boolean;
        alive: boolean;
        bytes: number;
        rows: number;
      }>(
        `with renewed as (
            update ledger.shared_units set taken_until = now() + ${LENT}
              where ${OWN} and unit = any ($4::int[]) and result is null and runs[cardinality(runs)] = $3::text),
          seen as (update ledger.shared_runs set seen_at = now() where ${OWN} and run = $3::text),
          alive as (
            update ledger.shared_backups set alive_until = now() + ${LENT}
              where ${OWN} and closed_at is null and ${leads})
          select ${CURRENT} as current,
            (select alive_until > now() from ledger.shared_backups where ${OWN}) as alive,
            coalesce(sum(bytes), 0)::float8 as bytes, coalesce(sum(rows), 0)::float8 as rows
          from ledger.shared_runs where ${OWN} and run <> $3::text`,
        [...own, run, units],
      );
      return {
        current: standing?.current === true,
        alive: standing?.alive === true,
        others: { bytes: standing?.bytes ?? 0, rows: standing?.rows ?? 0 },
      };
    },

    giveBack: async (units) => {
      await session.query(
        `update ledger.shared_units set taken_until = null
          where ${OWN} and unit = any ($4::int[]) and result is null and runs[cardinality(runs)] = $3::text`,
        [...own, run, units],
      );
    },

    results: async () => {
      const rows = await session.query<{ result: Copied | null }>(
        `select result from ledger.shared_units where ${OWN} order by unit`,
        own,
      );
      return rows.map(({ result }) => {
        // Only a newer attempt keeps units from being recorded.
        if (result === null) throw new RehearsalError("AttemptStale", { step: "back-up", attempt });
        return result;
      });
    },

    close: async () => {
      await session.query(
        `update ledger.shared_backups set closed_at = coalesce(closed_at, now()), plan = null where ${OWN}`,
        own,
      );
    },

    written: async () => {
      const rows = await session.query<{ object: CopiedObject | null }>(
        `select result -> 'object' as object from ledger.shared_units
          where ${OWN} and result is not null and run <> $3::text`,
        [...own, run],
      );
      return rows.flatMap(({ object }) => (object === null ? [] : [object.key]));
    },
  };
}

/** A sharing whose promotion has ended, with what may have been left behind. */
export interface EndedShare {
  promotion: string;
  attempt: number;
  prefix: string;
  /** Folders of runs that did not say that they had put everything away. */
  folders: string[];
}

/** Those of promotions that will never go on. */
export async function listEndedShares(session: Session): Promise<EndedShare[]> {
  return session.query<EndedShare>(
    `select b.promotion, b.attempt, b.prefix,
        array(select b.prefix || r.run || '/' from ledger.shared_runs r
          where r.promotion = b.promotion and r.attempt = b.attempt and r.worker > 0 and r.ended_at is null) as folders
      from ledger.shared_backups b join ledger.promotions p on p.id = b.promotion
      where p.status in ('promoted', 'nothing-to-do', 'rehearsed', 'refused', 'rolled-back')
      order by b.promotion, b.attempt`,
  );
}

export async function deleteShare(session: Session, { promotion, attempt }: EndedShare): Promise<void> {
  await session.query(`delete from ledger.shared_backups where ${OWN}`, [promotion, attempt]);
}
