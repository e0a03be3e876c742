/** What is written about objects apart from them: comments, security labels, and extensions they say they depend on. */

export interface Note {
  /** `pg_class` */
  catalog: string;
  oid: number;
  column: string | null;
  kind: "comment" | "label" | "dependsOn";
  /** A label's provider; an extension's name. */
  key: string;
  text: string;
}

/** The server's own objects lie below the first user's identifier, but the schema public can be written about. */
export const NOTES = `with note as (
    select classoid, objoid, objsubid, 'comment' as kind, '' as key, description as text from pg_description
    union all
    select classoid, objoid, objsubid, 'label', provider, label from pg_seclabel
    union all
    select d.classid, d.objid, 0, 'dependsOn', e.extname::text, '' from pg_depend d join pg_extension e on e.oid = d.refobjid
    where d.deptype = 'x' and d.refclassid = 'pg_extension'::regclass
  )
  select n.classoid::regclass::text as catalog, n.objoid as oid, a.attname::text as column, n.kind, n.key, n.text
  from note n left join pg_attribute a
    on n.classoid = 'pg_class'::regclass and n.objsubid > 0 and a.attrelid = n.objoid and a.attnum = n.objsubid
  where n.objoid >= 16384 or n.classoid = 'pg_namespace'::regclass
  order by n.kind, n.key collate "C"`;

type Facts = { [fact: string]: unknown };

/** Writes a note into the facts of its object, or of one of its columns. */
export function attach(note: Note, facts: Facts): void {
  const target = note.column === null ? facts : columnFacts(facts, note.column);
  if (target === undefined) return;
  if (note.kind === "comment") target.comment = note.text;
  else if (note.kind === "label")
    target.labels = { ...(target.labels as Facts | undefined), [note.key]: note.text };
  else target.dependsOn = [...((target.dependsOn as string[] | undefined) ?? []), note.key];
}

function columnFacts(facts: Facts, column: string): Facts | undefined {
  const columns = facts.columns as Record<string, Facts> | undefined;
  return columns && Object.hasOwn(columns, column) ? columns[column] : undefined;
}
