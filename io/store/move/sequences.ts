/** The sequences that fill columns of models: what they had given away goes with the rows, so that no number is given twice. */

import { quoteLiteral, quoteName, quoteQualified } from "../../../core/names.ts";
import type { StoreDefinition, StoreModel } from "../../../core/store/definition.ts";
import type { CopySession } from "../../postgres/copy.ts";
import type { Session } from "../../postgres/session.ts";
import { tableOf } from "../model-statements.ts";
import type { NotedSequence } from "./export-notes.ts";

/** Those that belong to a column: of an identity, of serial, and whatever was given to one; and those that its default asks. */
const FILLING = `with filling as (
    select d.objid as sequence, d.refobjsubid as number from pg_depend d
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = $1::regclass and d.deptype in ('a', 'i')
    union select d.refobjid, f.adnum from pg_depend d join pg_attrdef f on f.oid = d.objid
    where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass and f.adrelid = $1::regclass)
  select a.attname::text as "column", n.nspname::text as schema, s.relname::text as name,
    coalesce(nullif(t.typbasetype, 0), t.oid) in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype) as numbers
  from filling join pg_class s on s.oid = sequence and s.relkind = 'S' join pg_namespace n on n.oid = s.relnamespace
    join pg_attribute a on a.attrelid = $1::regclass and a.attnum = number join pg_type t on t.oid = a.atttypid
  order by 1, 2, 3`;

export interface FillingSequence {
  column: string;
  schema: string;
  name: string;
  /** Whether the column holds what the sequence gives, and not something made of it. */
  numbers: boolean;
}

/** How far each has come. No snapshot holds sequences back: they are as they are now. */
export async function readSequences(session: Session, { models }: StoreDefinition): Promise<NotedSequence[]> {
  const noted: NotedSequence[] = [];
  for (const model of models)
    for (const { column, schema, name } of await sequencesFor(session, model)) {
      const [row] = await session.query<{ last: string; called: boolean }>(
        `select last_value::text as last, is_called as called from ${quoteQualified(schema, name)}`,
      );
      if (row !== undefined) noted.push({ model: model.name, column, ...row });
    }
  return noted;
}

/** Sequences that fill a column of a model. */
export async function sequencesFor(session: Session, model: StoreModel): Promise<FillingSequence[]> {
  const filling = await session.query<FillingSequence>(FILLING, [tableOf(model)]);
  return filling.filter(({ column }) => model.columns.some(({ name }) => name === column));
}

/** Moves a model's sequences behind what they had given away and behind what its rows hold; none goes back. */
export async function moveSequences(
  copy: CopySession,
  model: StoreModel,
  filling: readonly FillingSequence[],
  noted: readonly NotedSequence[],
): Promise<void> {
  for (const { column, schema, name, numbers } of filling) {
    const of = quoteQualified(schema, name);
    const known = noted.find((one) => one.model === model.name && one.column === column);
    const given = known?.called ? `${quoteLiteral(known.last)}::int8` : "null::int8";
    const held = (most: string) => (numbers ? `${most}(t.${quoteName(column)})::int8` : "null::int8");
    // One that counts downwards has given away what lies above.
    await copy.execute(
      `select setval(${quoteLiteral(of)}::regclass, wanted.last)
        from pg_sequence q, ${of} s, lateral (select case when q.seqincrement > 0 then greatest(${held("max")}, ${given})
          else least(${held("min")}, ${given}) end as last from ${tableOf(model)} t) wanted
        where q.seqrelid = ${quoteLiteral(of)}::regclass and wanted.last between q.seqmin and q.seqmax
          and case when q.seqincrement > 0 then wanted.last > s.last_value or (wanted.last = s.last_value and not s.is_called)
            else wanted.last < s.last_value or (wanted.last = s.last_value and not s.is_called) end`,
    );
  }
}
