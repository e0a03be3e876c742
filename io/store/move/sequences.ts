/** The sequences that fill columns of models: what they had given away goes with the rows, so that no number is given twice. */

import { quoteLiteral, quoteName, quoteQualified } from "../../../core/names.ts";
import type { StoreDefinition, StoreModel } from "../../../core/store/definition.ts";
import type { CopySession } from "../../postgres/copy.ts";
import type { Session } from "../../postgres/session.ts";
import type { NotedSequence } from "./export-notes.ts";
import { tableOf } from "./model-rows.ts";

/** Those that belong to a column: of an identity, of serial, and whatever was given to one. */
const OWNED = `select a.attname::text as "column", n.nspname::text as schema, s.relname::text as name
  from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S' join pg_namespace n on n.oid = s.relnamespace
    join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
  where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = $1::regclass
    and d.deptype in ('a', 'i') order by 1, 2, 3`;

export interface OwnedSequence {
  column: string;
  schema: string;
  name: string;
}

/** How far each has come. No snapshot holds sequences back: they are as they are now. */
export async function readSequences(session: Session, { models }: StoreDefinition): Promise<NotedSequence[]> {
  const noted: NotedSequence[] = [];
  for (const model of models)
    for (const { column, schema, name } of await ownedBy(session, model)) {
      const [row] = await session.query<{ last: string; called: boolean }>(
        `select last_value::text as last, is_called as called from ${quoteQualified(schema, name)}`,
      );
      if (row !== undefined) noted.push({ model: model.name, column, ...row });
    }
  return noted;
}

/** Sequences of a model's table that fill a column of it. */
export async function ownedBy(session: Session, model: StoreModel): Promise<OwnedSequence[]> {
  const owned = await session.query<OwnedSequence>(OWNED, [tableOf(model)]);
  return owned.filter(({ column }) => model.columns.some(({ name }) => name === column));
}

/** Moves a model's sequences behind what they had given away and behind what its rows hold; none goes back. */
export async function moveSequences(
  copy: CopySession,
  model: StoreModel,
  owned: readonly OwnedSequence[],
  noted: readonly NotedSequence[],
): Promise<void> {
  for (const { column, schema, name } of owned) {
    const of = quoteQualified(schema, name);
    const known = noted.find((one) => one.model === model.name && one.column === column);
    const given = known?.called ? `${quoteLiteral(known.last)}::int8` : "null::int8";
    // One that counts downwards has given away what lies above.
    await copy.execute(
      `select setval(${quoteLiteral(of)}::regclass, wanted.last)
        from pg_sequence q, ${of} s, lateral (select case when q.seqincrement > 0 then greatest(max(t.${quoteName(column)})::int8, ${given})
          else least(min(t.${quoteName(column)})::int8, ${given}) end as last from ${tableOf(model)} t) wanted
        where q.seqrelid = ${quoteLiteral(of)}::regclass and wanted.last between q.seqmin and q.seqmax
          and case when q.seqincrement > 0 then wanted.last > s.last_value or (wanted.last = s.last_value and not s.is_called)
            else wanted.last < s.last_value or (wanted.last = s.last_value and not s.is_called) end`,
    );
  }
}
