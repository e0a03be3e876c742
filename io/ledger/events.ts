/** The promotion log in the ledger: appended under one lock, in the transaction of what it tells. */
import type { Json } from "../../core/canonical-json.ts";
import { type EventContent, LOG_START, type LogEntry, linkEvent } from "../../core/log.ts";
import { noticeOf } from "../../core/notice.ts";
import type { Session } from "../postgres/session.ts";
import { noteDeliveries } from "./deliveries.ts";

/** Serialises appends: sequence numbers are given out in the order of commit, without gaps. */
const APPEND_LOCK = 0x7265_6865;

export interface NewEvent {
  type: string;
  environment?: string;
  promotion?: string;
  data?: Json;
  /** True when the event also goes out on the bus, and to the destinations of notices. */
  announce?: boolean;
}

/**
 * Takes the lock under which events are appended, until the transaction ends: first of all, in a transaction that holds
 * what others come to while they append.
 */
export async function lockLog(session: Session): Promise<void> {
  await session.query("select pg_advisory_xact_lock($1)", [APPEND_LOCK]);
}

/** Appends an event; must be called inside the transaction that makes it true. Returns its sequence number. */
export async function appendEvent(session: Session, event: NewEvent): Promise<number> {
  await lockLog(session);
  const [last] = await session.query<{ seq: string; hash: string }>(
    "select seq, hash from ledger.events order by seq desc limit 1",
  );
  const content: EventContent = {
    seq: last ? Number(last.seq) + 1 : 1,
    at: new Date().toISOString(),
    type: event.type,
    environment: event.environment ?? null,
    promotion: event.promotion ?? null,
    data: event.data ?? {},
  };
  const entry = linkEvent(content, last?.hash ?? LOG_START);
  await session.query(
    `insert into ledger.events (seq, environment, promotion, type, body, previous, hash) values ($1, $2, $3, $4, $5, $6, $7)`,
    [entry.seq, content.environment, content.promotion, content.type, entry.body, entry.previous, entry.hash],
  );
  await session.query(
    "insert into ledger.outbox (kind, seq) select kind, $1 from unnest($2::text[]) as kind",
    [entry.seq, event.announce ? ["log", "bus"] : ["log"]],
  );
  const notice = event.announce ? noticeOf(event.type) : undefined;
  if (notice !== undefined) await noteDeliveries(session, { ...content, notice });
  return entry.seq;
}

/** The newest events first, from before `before`; about environments `among` some where named. */
export async function readNewestEvents(
  session: Session,
  options: { before?: number; limit: number; among?: readonly string[] },
): Promise<LogEntry[]> {
  const found = await session.query<Omit<LogEntry, "seq"> & { seq: string }>(
    `select seq, body, previous, hash from ledger.events
      where ($1::bigint is null or seq < $1) and ($3::text[] is null or environment = any ($3))
      order by seq desc limit $2`,
    [options.before ?? null, options.limit, options.among ?? null],
  );
  return found.map((entry) => ({ ...entry, seq: Number(entry.seq) }));
}

/** Events after `after`, oldest first, at most `limit`; of one promotion when named, or about environments `among` some. */
export async function readEvents(
  session: Session,
  options: { after?: number; limit: number; promotion?: string; among?: readonly string[] },
): Promise<LogEntry[]> {
  const found = await session.query<Omit<LogEntry, "seq"> & { seq: string }>(
    `select seq, body, previous, hash from ledger.events
      where seq > $1 and ($2::text is null or promotion = $2)
        and ($4::text[] is null or environment = any ($4)) order by seq limit $3`,
    [options.after ?? 0, options.promotion ?? null, options.limit, options.among ?? null],
  );
  return found.map((entry) => ({ ...entry, seq: Number(entry.seq) }));
}
