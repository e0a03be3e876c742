/** Holds every row of the ledger against its copy, as bytes. */
import { RehearsalError } from "../../core/errors.ts";
import { quoteLiteral } from "../../core/names.ts";
import type { ObjectStore } from "../object-store.ts";
import type { Session } from "../postgres/session.ts";
import { keySql, readCopiedTables, rowSql, tableSql } from "./copied-rows.ts";
import { copyKey } from "./copies.ts";
import { stageCopy } from "./rebuild.ts";

export interface Difference {
  table: string;
  key: string[];
  /** What of the ledger's row is not so in the copy. */
  reason: string;
}

/** Differences told of each table. */
const TOLD = 5;

/**
 * Compares all rows but those whose change waits to be copied; must be called inside a transaction of one snapshot. Throws
 * `LedgerCopyBroken`, also when the last object is not the one with that hash.
 */
export async function compareCopy(
  session: Session,
  store: ObjectStore,
  range: { from: number; to: number },
  hash: string,
): Promise<{ rows: number; waiting: number; differences: Difference[] }> {
  const found = await stageCopy(session, store, range);
  if (found !== hash)
    throw new RehearsalError("LedgerCopyBroken", {
      key: copyKey(range.to),
      reason: `its bytes have the sha256 ${found}, and the ledger wrote ${hash}`,
    });
  const differences: Difference[] = [];
  let rows = 0;
  for (const table of await readCopiedTables(session)) {
    const name = quoteLiteral(table.name);
    const [count] = await session.query<{ rows: number }>(
      `select count(*)::float8 as rows from ${tableSql(table)}`,
    );
    rows += count?.rows ?? 0;
    differences.push(
      ...(await session.query<Difference>(
        `select ${name} as "table", coalesce(c.key, l.key) as key, case when c."row" is null then 'is not in it'
            when l."row" is null then 'is only in it'
            else 'has another ' || (select string_agg(n, ', ' order by n) from jsonb_object_keys(l."row") as n
              where l."row" -> n is distinct from c."row" -> n) end as reason
          from (select key, "row" from pg_temp.copied where relation = ${name}) c
            full join (select ${keySql(table)} as key, ${rowSql(table)} as "row" from ${tableSql(table)} t) l on l.key = c.key
          where c."row" is distinct from l."row" and not exists (
            select from ledger.changes w where w.relation = ${name} and w.key = coalesce(c.key, l.key) and w.kind <> 'whole')
          order by coalesce(c.key, l.key) limit ${TOLD}`,
      )),
    );
  }
  const [waits] = await session.query<{ waiting: number }>(
    `select count(distinct (relation, key))::float8 as waiting from ledger.changes where kind <> 'whole'`,
  );
  return { rows, waiting: waits?.waiting ?? 0, differences };
}
