/** A ledger as the server itself writes it out: the oracle that says whether one was rebuilt to the byte. */
import type { DatabaseAddress } from "../../core/database-url.ts";
import { quoteName } from "../../core/names.ts";
import { readCopiedTables } from "../../io/ledger/copied-rows.ts";
import { openCopySession } from "../../io/postgres/copy.ts";
import { openSession } from "../../io/postgres/session.ts";

export interface LedgerText {
  /** Of each table that has a copy: the lines of COPY … TO STDOUT, in the order of its key. */
  rows: Record<string, string>;
  /** What each sequence gave out last. */
  sequences: Record<string, string>;
  events: number;
}

/**
 * Reads it; held against `before` without what the rebuild itself adds behind that: its own event, what is to be told of it, and the
 * note of what it interrupted.
 */
export async function ledgerText(address: DatabaseAddress, before?: LedgerText): Promise<LedgerText> {
  const session = await openSession(address, { application: "oracle" });
  const copying = await openCopySession(address, { application: "oracle" });
  try {
    const rows: Record<string, string> = {};
    const until = before === undefined ? "true" : `seq <= ${before.events}`;
    for (const { name, key } of await readCopiedTables(session)) {
      if (name === "interrupted") continue;
      const where = name === "events" || name === "outbox" || name === "deliveries" ? until : "true";
      const order = key.map((column) => quoteName(column)).join(", ");
      const pieces: Uint8Array[] = [];
      const sql = `copy (select * from ledger.${name} where ${where} order by ${order}) to stdout`;
      for await (const piece of copying.copyOut(sql)) pieces.push(piece);
      rows[name] = Buffer.concat(pieces).toString();
    }
    const [found] = await session.query<{ sequences: Record<string, string>; events: number }>(
      `select (select json_object_agg(sequencename, last_value::text) from pg_sequences
          where schemaname = 'ledger' and sequencename <> 'changes_id_seq' and last_value is not null) as sequences,
        (select coalesce(max(seq), 0)::int from ledger.events) as events`,
    );
    return { rows, sequences: found?.sequences ?? {}, events: found?.events ?? 0 };
  } finally {
    await copying.close();
    await session.close();
  }
}
