/** Stores in the ledger: one row each, at most one of an environment alive, and what tasks have found out about it. */
import { RehearsalError } from "../../core/errors.ts";
import type { ContentSum } from "../../core/store/digest.ts";
import { BEHIND_FENCE, type StorePhase, type StorePlace } from "../../core/stores.ts";
import type { Session } from "../postgres/session.ts";

/** What is known of a store; the cursor it goes by stands in its own head. */
export interface StoreFacts {
  /** Whose part of which bucket its place is below: the environment's storage when it was exported, whatever the policy says since. */
  storage?: { bucket: string; root: string };
  /** The change feed that it follows, as `public.changes`; without one it is what it was exported as. */
  feed?: string;
  /** Rows of all models, when it was last told. */
  rows?: number;
  /** How far it was behind when it was last brought up, and when that was, by the ledger's clock. */
  lag?: { changes: number; syncedAt: string };
  /** The last verification: the task that has its report, and in how many places the two sides differed. */
  verification?: { task: string; differences: number };
  /** The database that was cut off: its object identifier, and the name that it has outside the fence. */
  production?: { oid: number; name: string };
  /** What that database may hold: what it did when it was cut off, and what a way back that was taken back had brought into it. */
  held?: Readonly<Record<string, ContentSum>>[];
}

export interface StoreRow {
  id: string;
  environment: string;
  release: string;
  place: StorePlace;
  phase: StorePhase;
  /** The task that is changing the phase, while one does. */
  task: string | null;
  facts: StoreFacts;
  createdAt: Date;
  exportedAt: Date | null;
  verifiedAt: Date | null;
  cutOverAt: Date | null;
  endedAt: Date | null;
}

const COLUMNS = `id, environment, release, place, phase, task, facts, created_at as "createdAt", exported_at as "exportedAt",
  verified_at as "verifiedAt", cut_over_at as "cutOverAt", ended_at as "endedAt"`;

const LIVING = "phase not in ('returned', 'given-up')";

/** Inserts the environment's store; throws `StoreAlready` when it has one that is not over. Must be called inside a transaction. */
export async function insertStore(
  session: Session,
  store: Pick<StoreRow, "id" | "environment" | "release" | "place" | "facts">,
): Promise<void> {
  const inserted = await session.query(
    `insert into ledger.stores (id, environment, release, place, facts) values ($1, $2, $3, $4, $5)
      on conflict do nothing returning id`,
    [store.id, store.environment, store.release, JSON.stringify(store.place), JSON.stringify(store.facts)],
  );
  if (inserted.length > 0) return;
  const living = await findLivingStore(session, store.environment);
  throw new RehearsalError("StoreAlready", {
    environment: store.environment,
    store: living?.id ?? "another store",
    phase: living?.phase ?? "following",
  });
}

/** The store of that id; throws `NotFound`. `lock` holds its row until the transaction ends. */
export async function readStore(session: Session, id: string, lock?: "lock"): Promise<StoreRow> {
  const [row] = await session.query<StoreRow>(
    `select ${COLUMNS} from ledger.stores where id = $1 ${lock ? "for update" : ""}`,
    [id],
  );
  if (row === undefined) throw new RehearsalError("NotFound", { what: "store", name: id });
  return row;
}

/** The environment's store that is not over, where it has one. */
export async function findLivingStore(
  session: Session,
  environment: string,
  lock?: "lock",
): Promise<StoreRow | undefined> {
  const [row] = await session.query<StoreRow>(
    `select ${COLUMNS} from ledger.stores where environment = $1 and ${LIVING} ${lock ? "for update" : ""}`,
    [environment],
  );
  return row;
}

/** The store for which the environment's database is behind a fence, or about to be. */
export async function findCutOver(
  session: Session,
  environment: string,
): Promise<Pick<StoreRow, "id" | "phase"> | undefined> {
  const [row] = await session.query<Pick<StoreRow, "id" | "phase">>(
    "select id, phase from ledger.stores where environment = $1 and phase = any ($2)",
    [environment, BEHIND_FENCE],
  );
  return row;
}

/** The environment's newest first; `before` is the id to go on from. */
export async function listStores(
  session: Session,
  options: { environment: string; before?: string; limit: number },
): Promise<StoreRow[]> {
  return session.query<StoreRow>(
    `select ${COLUMNS} from ledger.stores s where environment = $1
        and ($2::text is null or (s.created_at, s.id) < (select b.created_at, b.id from ledger.stores b
          where b.id = $2 and b.environment = $1))
      order by s.created_at desc, s.id desc limit $3`,
    [options.environment, options.before ?? null, options.limit],
  );
}

/** Merges facts and moves the phase on, with the time at which it came there; `task` is who changes it from now on, null nobody. */
export async function updateStore(
  session: Session,
  id: string,
  change: { phase?: StorePhase; task?: string | null; facts?: StoreFacts },
): Promise<void> {
  const { phase = null, task, facts = {} } = change;
  await session.query(
    `update ledger.stores set phase = coalesce($2, phase), facts = facts || $3::jsonb,
        task = case when $4 then $5 else task end,
        exported_at = case when $2 = 'following' then coalesce(exported_at, now()) else exported_at end,
        verified_at = case when $2 = 'verified' then now() else verified_at end,
        cut_over_at = case when $2 = 'cut-over' then coalesce(cut_over_at, now()) else cut_over_at end,
        ended_at = case when $2 in ('returned', 'given-up') then now() else ended_at end
      where id = $1`,
    [id, phase, JSON.stringify(facts), task !== undefined, task ?? null],
  );
}
