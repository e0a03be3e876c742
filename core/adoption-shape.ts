/** Shapes as an adoption compares them: without the tool's own table, and without what the name of an owner makes different. */
import type { Json } from "./canonical-json.ts";
import { withoutIgnored } from "./drift.ts";
import type { FormatName } from "./formats/format.ts";
import { HISTORY_TABLES, HISTORY_TOOLS, type HistoryTable } from "./formats/history-tools.ts";
import { addressOf, type Shape } from "./shape.ts";

/** A schema with all that stands in it, or one table with what hangs on it. */
export interface OwnedObjects {
  schema: string;
  /** The whole schema when left out. */
  table?: string;
}

/**
 * The shape as any role could have made it: owners are left out, grants name them as what they are, and so are versions of
 * extensions and the schema `public`, which no migration makes.
 */
export function comparableShape(shape: Shape, owned: OwnedObjects | undefined): Shape {
  const { objects } = withoutIgnored(shape, owned === undefined ? [] : patternsOf(owned));
  return {
    format: shape.format,
    objects: Object.fromEntries(
      Object.entries(objects)
        .filter(([address]) => address !== "schema public")
        .map(([address, facts]) => [address, unowned(facts, address.startsWith("extension "))]),
    ),
  };
}

/**
 * The shape without the record that the format's tool keeps, which no replay makes; with it where `promised`, tables by their
 * addresses, says that a migration of the project's own makes such a table.
 */
export function withoutHistory(shape: Shape, format: FormatName, promised: readonly string[]): Shape {
  const tool = HISTORY_TOOLS.find((name) => name === format);
  if (tool === undefined) return shape;
  const { schema = "*", table }: HistoryTable = HISTORY_TABLES[tool];
  const own = promised.some((name) => name.endsWith(`.${table}`));
  if (own) return shape;
  return withoutIgnored(shape, schema === "*" ? [`table *.${table}`] : patternsOf({ schema }));
}

type Facts = { [fact: string]: Json };

/** What a tool keeps in a schema of its own; constraints and triggers go with their tables. */
const KINDS = [
  ...["table", "view", "materialized view", "sequence", "index"],
  ...["function", "procedure", "type", "domain"],
];

function patternsOf({ schema, table }: OwnedObjects): string[] {
  const address = (word: string, name: readonly string[]) =>
    addressOf({ word, name, suffix: null, on: null });
  if (table !== undefined) return [address("table", [schema, table])];
  return [address("schema", [schema]), ...KINDS.map((word) => `${address(word, [schema])}.*`)];
}

function unowned(facts: Json, isExtension: boolean): Json {
  const { owner, grants, columns, ...others } = facts as Facts;
  const { version: _, ...extension } = others;
  return {
    ...(isExtension ? extension : others),
    ...(grants !== undefined && { grants: withoutOwner(grants, owner) }),
    ...(columns !== undefined && { columns: columnsWithoutOwner(columns, owner) }),
  };
}

function columnsWithoutOwner(columns: Json, owner: Json | undefined): Json {
  return Object.fromEntries(
    Object.entries(columns as Facts).map(([name, facts]) => {
      const { grants, ...others } = facts as Facts;
      return [name, grants === undefined ? facts : { ...others, grants: withoutOwner(grants, owner) }];
    }),
  ) as Json;
}

/** Of "reader=r/keeper" only what is not the owner's name. */
function withoutOwner(grants: Json, owner: Json | undefined): Json {
  if (!Array.isArray(grants) || typeof owner !== "string") return grants;
  const quoted = /^[a-z_][a-z0-9_]*$/i.test(owner) ? owner : `"${owner.replaceAll('"', '""')}"`;
  return grants
    .map((grant) => {
      const [to = "", by = ""] = cutOnce(String(grant), "/");
      const [who = "", rights = ""] = cutOnce(to, "=");
      return `${who === quoted ? "OWNER" : who}=${rights}/${by === quoted ? "OWNER" : by}`;
    })
    .sort();
}

/** In two at the last occurrence. */
function cutOnce(text: string, mark: string): [string, string] {
  const at = text.lastIndexOf(mark);
  return [text.slice(0, at), text.slice(at + 1)];
}
