/** Deliveries of notices in the ledger: written with their event, claimed by one sandbox at a time, and marked. */
import type { NoticeKind } from "../../core/notice.ts";
import type { Session } from "../postgres/session.ts";

export interface Delivery {
  /** Of the event. */
  seq: number;
  destination: string;
  /** The same in every attempt. */
  id: string;
  status: "waiting" | "delivered" | "dead";
  attempts: number;
  dueAt: Date;
  error: string | null;
  createdAt: Date;
  endedAt: Date | null;
}

/** Longer than a sandbox may run: whoever claimed a delivery so long ago is dead. */
const CLAIM_SECONDS = 120;

const COLUMNS = `seq::float8 as seq, destination, id, status, attempts, due_at as "dueAt", error, created_at as "createdAt",
  ended_at as "endedAt"`;

/** Notes whom an event is to be told to; belongs in the transaction that appends it. */
export async function noteDeliveries(
  session: Session,
  event: { seq: number; environment: string | null; notice: NoticeKind },
): Promise<void> {
  await session.query(
    `insert into ledger.deliveries (seq, destination)
      select $1, name from ledger.destinations
      where disabled_at is null and $2 = any (notices) and (environments is null or $3 = any (environments))`,
    [event.seq, event.notice, event.environment],
  );
}

/** Destinations that something is due for. */
export async function dueDestinations(session: Session): Promise<string[]> {
  const found = await session.query<{ name: string }>(
    `select d.name from ledger.destinations d where d.disabled_at is null and exists (
        select 1 from ledger.deliveries e where e.destination = d.name and e.status = 'waiting' and e.due_at <= now()
          and coalesce(e.claimed_until, '-infinity') < now())
      order by d.changed_at`,
  );
  return found.map(({ name }) => name);
}

/** Takes the oldest that is due for a destination, for this sandbox alone; its number of attempts counts this one. */
export async function claimDelivery(session: Session, destination: string): Promise<Delivery | undefined> {
  const [claimed] = await session.query<Delivery>(
    `update ledger.deliveries set attempts = attempts + 1, claimed_until = now() + make_interval(secs => $2)
      where (seq, destination) = (
        select e.seq, e.destination from ledger.deliveries e join ledger.destinations d on d.name = e.destination
          where e.destination = $1 and d.disabled_at is null and e.status = 'waiting' and e.due_at <= now()
            and coalesce(e.claimed_until, '-infinity') < now()
          order by e.seq limit 1 for update of e skip locked)
      returning ${COLUMNS}`,
    [destination, CLAIM_SECONDS],
  );
  return claimed;
}

type Claimed = Pick<Delivery, "id" | "attempts">;

/** It has arrived. Of a claim that another has taken over meanwhile this is just as true. */
export async function markDelivered(session: Session, { id }: Claimed): Promise<void> {
  await session.query(
    `update ledger.deliveries set status = 'delivered', error = null, claimed_until = null, ended_at = now()
      where id = $1 and status <> 'delivered'`,
    [id],
  );
}

/** It has not, and is due again in so many seconds; false when the claim has passed to another. */
export async function postpone(
  session: Session,
  { id, attempts }: Claimed,
  { seconds, error }: { seconds: number; error: string },
): Promise<boolean> {
  const postponed = await session.query(
    `update ledger.deliveries set due_at = now() + make_interval(secs => $3), error = $4, claimed_until = null
      where id = $1 and attempts = $2 and status = 'waiting' returning id`,
    [id, attempts, seconds, error],
  );
  return postponed.length > 0;
}

/** It is given up; false when the claim has passed to another. */
export async function markDead(session: Session, { id, attempts }: Claimed, error: string): Promise<boolean> {
  const dead = await session.query(
    `update ledger.deliveries set status = 'dead', error = $3, claimed_until = null, ended_at = now()
      where id = $1 and attempts = $2 and status = 'waiting' returning id`,
    [id, attempts, error],
  );
  return dead.length > 0;
}

/** Sends again what was given up, as if it had never been tried; returns how many. */
export async function reviveDead(session: Session, destination: string): Promise<number> {
  const revived = await session.query(
    `update ledger.deliveries set status = 'waiting', attempts = 0, due_at = now(), claimed_until = null, ended_at = null
      where destination = $1 and status = 'dead' returning seq`,
    [destination],
  );
  return revived.length;
}

export interface ListedDelivery extends Delivery {
  type: string;
  environment: string | null;
  promotion: string | null;
}

/** Of one destination, the newest first, from before `before`. */
export async function listDeliveries(
  session: Session,
  options: { destination: string; status?: Delivery["status"]; before?: number; limit: number },
): Promise<ListedDelivery[]> {
  const { destination, status, before, limit } = options;
  return session.query<ListedDelivery>(
    `select e.*, v.type, v.environment, v.promotion from (
        select ${COLUMNS} from ledger.deliveries where destination = $1 and ($2::text is null or status = $2)
          and ($3::bigint is null or ledger.deliveries.seq < $3) order by ledger.deliveries.seq desc limit $4) e
      join ledger.events v on v.seq = e.seq order by e.seq desc`,
    [destination, status ?? null, before ?? null, limit],
  );
}

/** Forgets what arrived so many days ago: the log tells what happened, and only that it was told is lost. */
export async function forgetDelivered(session: Session, days: number): Promise<number> {
  const forgotten = await session.query(
    `delete from ledger.deliveries where status = 'delivered' and ended_at < now() - make_interval(days => $1) returning seq`,
    [days],
  );
  return forgotten.length;
}
