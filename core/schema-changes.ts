/** What a migration did to a shape, as old beside new: what a person compares before saying yes. */
import { canonicalJson, isJsonObject, type Json } from "./canonical-json.ts";
import { diffShapes, type Shape, type ShapeDifference } from "./shape.ts";

export interface SchemaChange {
  /** As shapes name it: `table public.files`. */
  address: string;
  kind: "added" | "removed" | "changed";
  lines: SchemaLine[];
  /** How many lines more there are. */
  more: number;
}

/** One fact, before and after; null where it did not stand. */
export interface SchemaLine {
  /** `column title`, `columns.title.default`, `definition`. */
  part: string;
  before: string | null;
  after: string | null;
}

export interface SchemaChanges {
  changes: SchemaChange[];
  /** How many objects more differ. */
  more: number;
}

/** Of more of them nobody reads more than the first. */
const OBJECTS = 200;
const LINES = 60;
const TEXT = 2_000;

/** At most 200 objects with 60 lines each; parts of a table that is itself added or dropped go without saying. */
export function schemaChanges(before: Shape, after: Shape): SchemaChanges {
  const differences = diffShapes(before, after);
  const tables = new Set(
    differences
      .filter(({ kind, address }) => kind !== "changed" && address.startsWith("table "))
      .map(({ address }) => address.slice("table ".length)),
  );
  const told = differences
    .filter(({ address }) => !tables.has(address.split(" on ").at(-1) ?? "") || address.startsWith("table "))
    .map(changeOf)
    .filter(({ lines, kind }) => kind !== "changed" || lines.length > 0);
  return { changes: told.slice(0, OBJECTS), more: Math.max(0, told.length - OBJECTS) };
}

function changeOf({ address, kind, expected, actual }: ShapeDifference): SchemaChange {
  const [old, young] = [factsOf(expected), factsOf(actual)];
  const lines = [...new Set([...old.keys(), ...young.keys()])]
    .map((part) => ({ part, before: old.get(part) ?? null, after: young.get(part) ?? null }))
    .filter((line) => line.before !== line.after)
    // Of what comes or goes whole, its owner and its columns' order go without saying.
    .filter(({ part }) => kind === "changed" || part !== "owner")
    .filter(({ part }) => part !== "order" || reordered(expected, actual));
  return { address, kind, lines: lines.slice(0, LINES), more: Math.max(0, lines.length - LINES) };
}

/** An object's facts as lines; its name is its address. */
function factsOf(facts: Json | undefined): Map<string, string> {
  const lines = new Map<string, string>();
  if (facts === undefined) return lines;
  if (!isJsonObject(facts)) return lines.set("it", shown(facts));
  for (const [key, value] of Object.entries(facts)) {
    if (key === "schema" || key === "name" || value === undefined || value === null) continue;
    if (key === "columns" && isJsonObject(value))
      for (const [name, column] of Object.entries(value)) lines.set(`column ${name}`, columnText(column));
    else lines.set(key, shown(value));
  }
  return lines;
}

/** `text, not null, default 'x'`. */
function columnText(column: Json | undefined): string {
  if (!isJsonObject(column)) return shown(column ?? null);
  const { type, notNull, default: expression, generated, identity, ...rare } = column;
  return [
    shown(type ?? null),
    notNull === true ? "not null" : "",
    identity === undefined ? "" : `identity ${shown(identity)}`,
    expression === undefined
      ? ""
      : `${generated === undefined ? "default" : `generated ${shown(generated)} as`} ${shown(expression)}`,
    ...Object.entries(rare).map(([key, value]) => `${key} ${shown(value ?? null)}`),
  ]
    .filter((part) => part !== "")
    .join(", ");
}

/** True when columns that stand on both sides changed places; one that is added or dropped moves the others along. */
function reordered(expected: Json | undefined, actual: Json | undefined): boolean {
  const [old, young] = [expected, actual].map((facts) =>
    isJsonObject(facts) && Array.isArray(facts.order) ? facts.order.map(String) : [],
  );
  if (old === undefined || young === undefined) return false;
  const both = (names: string[], others: string[]) =>
    names.filter((name) => others.includes(name)).join("\n");
  return both(old, young) !== both(young, old);
}

function shown(value: Json): string {
  const text = typeof value === "string" ? value : value === true ? "yes" : canonicalJson(value);
  return text.length <= TEXT ? text : `${text.slice(0, TEXT)}…`;
}
