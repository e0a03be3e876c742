/** What is written about objects apart from them: comments, security labels, and extensions they say they depend on. */

interface Note {
  /** The number of a column; 0 for the object itself. */
  column: number;
  kind: "comment" | "label" | "dependsOn";
  /** A label's provider; an extension's name. */
  key: string;
  text: string;
}

/** All that is written about the objects of one catalog, `pg_class`. */
export interface NoteRows {
  catalog: string;
  notes: [oid: number, column: number, kind: Note["kind"], key: string, text: string][];
}

/** The server's own objects lie below the first user's identifier, but the schema public can be written about. */
export const NOTES = `select classoid::regclass::text as catalog,
    json_agg(json_build_array(objoid, objsubid, kind, key, text) order by kind, key collate "C") as notes
  from (
    select classoid, objoid, objsubid, 'comment' as kind, '' as key, description as text from pg_description
    union all
    select classoid, objoid, objsubid, 'label', provider, label from pg_seclabel
    union all
    select d.classid, d.objid, 0, 'dependsOn', e.extname::text, '' from pg_depend d join pg_extension e on e.oid = d.refobjid
    where d.deptype = 'x' and d.refclassid = 'pg_extension'::regclass
  ) note
  where objoid >= 16384 or classoid = 'pg_namespace'::regclass
  group by classoid`;

/** The notes by the object that they are about: `pg_class/16402`. */
export function notesByObject(rows: readonly NoteRows[]): Map<string, Note[]> {
  const notes = rows.flatMap(({ catalog, notes: own }) =>
    own.map(([oid, column, kind, key, text]) => ({ of: `${catalog}/${oid}`, column, kind, key, text })),
  );
  return Map.groupBy(notes, ({ of }) => of);
}

type Facts = { [fact: string]: unknown };

/** Writes a note into the facts of its object, or of one of its columns, which are given by number. */
export function attach(note: Note, facts: Facts, columns: ReadonlyMap<number, Facts>): void {
  const target = note.column === 0 ? facts : columns.get(note.column);
  if (target === undefined) return;
  if (note.kind === "comment") target.comment = note.text;
  else if (note.kind === "label")
    target.labels = { ...(target.labels as Facts | undefined), [note.key]: note.text };
  else target.dependsOn = [...((target.dependsOn as string[] | undefined) ?? []), note.key];
}
