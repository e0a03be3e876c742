/** What is written about objects apart from them: comments, security labels, and extensions they say they depend on. */
import { number } from "./catalog.ts";
import type { Dependencies } from "./dependencies.ts";
import { inOrder } from "./facts.ts";

type Facts = { [fact: string]: unknown };

interface Note {
  /** The number of a column; 0 for the object itself. */
  column: number;
  kind: "comment" | "label" | "dependsOn";
  /** A label's provider; an extension's name. */
  key: string;
  text: string;
}

/** The server's own objects lie below the first user's identifier, but the schema public can be written about. */
const ABOUT_OURS = "(objoid >= 16384 or classoid = 'pg_namespace'::regclass)";

/** SQL: comments by catalog. */
export const COMMENTS = `select json_build_array(classoid::regclass::text, json_agg(${number("objoid")}),
    json_agg(objsubid), json_agg(description)) as value
  from pg_description where ${ABOUT_OURS} group by classoid`;

/** SQL: labels by catalog. */
export const LABELS = `select json_build_array(classoid::regclass::text, json_agg(${number("objoid")}),
    json_agg(objsubid), json_agg(label), json_agg(provider)) as value
  from pg_seclabel where ${ABOUT_OURS} group by classoid`;

type Group = [catalog: string, oids: number[], columns: number[], texts: string[], providers?: string[]];

/** The facts with what is written about the object, in the order of canonical JSON; gives the columns theirs. */
export type Noted = (oid: number, facts: Facts, columns?: readonly ({ facts: Facts } | undefined)[]) => Facts;

/** By catalog. */
export function notesOf(
  comments: readonly unknown[][],
  labels: readonly unknown[][],
  dependsOn: Dependencies["dependsOn"],
): (catalog: string) => Noted {
  const notes = new Map<string, Map<number, Note[]>>();
  const add = (catalog: string, oid: number, note: Note) => {
    const about = notes.get(catalog) ?? new Map<number, Note[]>();
    notes.set(catalog, about);
    const before = about.get(oid);
    if (before === undefined) about.set(oid, [note]);
    else before.push(note);
  };
  const groups = { comment: comments as Group[], label: labels as Group[] };
  for (const kind of ["comment", "label"] as const)
    for (const [catalog, oids, columns, texts, keys] of groups[kind])
      for (const [place, oid] of oids.entries())
        add(catalog, oid, {
          ...{ kind, column: columns[place] ?? 0, key: keys?.[place] ?? "", text: texts[place] ?? "" },
        });
  for (const { catalog, oid, extension } of dependsOn.toSorted(byExtension))
    add(catalog, oid, { column: 0, kind: "dependsOn", key: extension, text: "" });
  return (catalog) => {
    const about = notes.get(catalog);
    return (oid, facts, columns) => {
      let own = facts;
      for (const note of about?.get(oid) ?? []) {
        const column = columns?.[note.column];
        if (note.column === 0) own = withNote(own, note);
        else if (column !== undefined) column.facts = withNote(column.facts, note);
      }
      return own;
    };
  };
}

function withNote(facts: Facts, { kind, key, text }: Note): Facts {
  const noted = { ...facts };
  if (kind === "comment") noted.comment = text;
  else if (kind === "label") noted.labels = { ...(facts.labels as Facts | undefined), [key]: text };
  else noted.dependsOn = [...((facts.dependsOn as string[] | undefined) ?? []), key];
  return inOrder(noted);
}

type Dependent = Dependencies["dependsOn"][number];

/** In the order of bytes. */
function byExtension(one: Dependent, other: Dependent): number {
  return Buffer.compare(Buffer.from(one.extension), Buffer.from(other.extension));
}
