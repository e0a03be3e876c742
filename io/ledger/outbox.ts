/** Carries outside what was committed: the ledger's rows and a write-once copy of each event to S3, notices to the bus, each at least once. */
import { canonicalJson, type Json } from "../../core/canonical-json.ts";
import type { LogEntry } from "../../core/log.ts";
import type { EventBus } from "../event-bus.ts";
import type { ObjectStore } from "../object-store.ts";
import type { Session } from "../postgres/session.ts";
import { copyChanges } from "./copies.ts";

/** The key of an event's copy: its sequence number with leading zeros, so that a listing is the chain's order. */
export function logKey(seq: number): string {
  return `log/${String(seq).padStart(12, "0")}.json`;
}

/** The bytes of an event's copy in S3. */
export function logObject(entry: LogEntry): string {
  return canonicalJson(entry as unknown as Json);
}

/**
 * Sends what waits, oldest first, and forgets each row once it has arrived. A row is sent twice when the sender dies
 * in between: the copy is write-once and equal, and the notice carries its sequence number. `kept` is called for each copy.
 * An event goes out only when the ledger's copy has it: what the outside was told, a ledger that is rebuilt knows.
 */
export async function drainOutbox(
  session: Session,
  store: ObjectStore,
  bus: EventBus,
  busName: string,
  kept: (entry: LogEntry) => Promise<void> = async () => undefined,
): Promise<number> {
  let sent = 0;
  await copyChanges(session, store);
  for (;;) {
    const more = await session.transaction(async () => {
      const [row] = await session.query<
        { id: string; kind: "log" | "bus"; type: string } & Record<keyof LogEntry, string>
      >(
        `select o.id, o.kind, e.seq, e.type, e.body, e.previous, e.hash
           from ledger.outbox o join ledger.events e using (seq) where e.seq <= (select event from ledger.copies)
           order by o.id limit 1 for update of o skip locked`,
      );
      if (row === undefined) return false;
      const { body, previous, hash } = row;
      const entry = { seq: Number(row.seq), body, previous, hash };
      if (row.kind === "log") {
        await store.putOnce(logKey(entry.seq), Buffer.from(logObject(entry)));
        await kept(entry);
      } else
        await bus.putEvents(busName, [
          { source: "rehearsal", detailType: row.type, detail: JSON.parse(body) as Json },
        ]);
      await session.query("delete from ledger.outbox where id = $1", [row.id]);
      return true;
    });
    if (!more) return sent;
    sent++;
  }
}

/** The events whose copy in S3 is still to be written. */
export async function listUnsent(session: Session): Promise<number[]> {
  const found = await session.query<{ seq: string }>("select seq from ledger.outbox where kind = 'log'");
  return found.map(({ seq }) => Number(seq));
}
