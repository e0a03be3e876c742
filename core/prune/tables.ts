/** The tables of a shape as a policy leans on them: columns, primary key, foreign keys; a partition's belong to the table that it is a part of. */
import { quoteQualified } from "../names.ts";
import type { Shape } from "../shape.ts";
import { namesOf, parseAddress, parseForeignKey, parseKey } from "../shape-names.ts";

export interface PrunableColumn {
  name: string;
  /** As the server prints it, qualified unless it is in pg_catalog. */
  type: string;
  notNull: boolean;
  /** True when a value comes by itself. */
  defaulted: boolean;
  generated: boolean;
  identity?: "always" | "by default";
}

/** A foreign key of one table. */
export interface TableKey {
  constraint: string;
  /** The table that has it: a partition where only that one does. */
  on: { schema: string; name: string };
  columns: string[];
  /** Of the table, or of the one that a partition belongs to. */
  references: string;
  referencedColumns: string[];
  /** In small letters: no action, restrict, cascade, set null, set default, the last two perhaps with columns. */
  onDelete: string;
  /** True for keys that compare ranges, not values. */
  period: boolean;
}

export interface PrunableTable {
  schema: string;
  name: string;
  /** Quoted and qualified. */
  quoted: string;
  columns: PrunableColumn[];
  /** Empty when it has none. */
  primaryKey: string[];
  foreignKeys: TableKey[];
  /** True when it has parents or children by INHERITS. */
  inherits: boolean;
  /** The table that it is a partition of, quoted and qualified. */
  partitionOf?: string;
}

/** By quoted and qualified name. */
export interface ShapeTables {
  tables: ReadonlyMap<string, PrunableTable>;
  /** The labels of enums, by the type's name as the server prints it. */
  enums: ReadonlyMap<string, readonly string[]>;
  /** Foreign keys whose definition could not be read. */
  unread: string[];
}

interface Facts {
  schema: string;
  name: string;
  columns?: Record<string, ColumnFacts>;
  order?: string[];
  inherits?: string[];
  partitionOf?: string;
  definition?: string;
  labels?: string[];
}

interface ColumnFacts {
  type: string;
  notNull?: boolean;
  default?: string;
  identity?: "always" | "by default";
  generated?: string;
}

export function shapeTables(shape: Shape): ShapeTables {
  const tables = new Map<string, PrunableTable>();
  const enums = new Map<string, readonly string[]>();
  const objects = Object.entries(shape.objects).map(([address, facts]) => ({
    address,
    facts: facts as unknown as Facts,
  }));
  for (const { address, facts } of objects) {
    if (address.startsWith("type ") && Array.isArray(facts.labels))
      enums.set(address.slice("type ".length), facts.labels);
    if (address.startsWith("table ")) {
      const table = tableOf(facts);
      tables.set(table.quoted, table);
    }
  }
  for (const { address, facts } of objects) {
    if (!address.startsWith("table ") || facts.inherits === undefined) continue;
    for (const parent of facts.inherits) {
      const found = tables.get(quotedOf(parent));
      if (found !== undefined) found.inherits = true;
    }
  }
  const unread: string[] = [];
  for (const { address, facts } of objects) {
    if (!address.startsWith("constraint ") || facts.definition === undefined) continue;
    const parsed = parseAddress(address);
    const [schema, name] = parsed?.on ?? [];
    const table =
      schema === undefined || name === undefined ? undefined : tables.get(quoteQualified(schema, name));
    if (parsed === undefined || table === undefined) continue;
    const key = parseKey(facts.definition);
    if (key?.primary) table.primaryKey = key.columns;
    if (!facts.definition.startsWith("FOREIGN KEY")) continue;
    const foreign = parseForeignKey(facts.definition);
    const [theirSchema, theirName] = foreign?.references ?? [];
    if (foreign === undefined || theirSchema === undefined || theirName === undefined) {
      unread.push(address);
      continue;
    }
    table.foreignKeys.push({
      constraint: parsed.name[0] ?? "",
      on: { schema: table.schema, name: table.name },
      columns: foreign.columns,
      references: quoteQualified(theirSchema, theirName),
      referencedColumns: foreign.referencedColumns,
      onDelete: foreign.onDelete,
      period: /\bPERIOD /.test(facts.definition),
    });
  }
  toWholeTables(tables);
  return { tables, enums, unread };
}

/** What partitions have of their own is their whole table's: its rows are theirs. */
function toWholeTables(tables: ReadonlyMap<string, PrunableTable>): void {
  const whole = (name: string): PrunableTable | undefined => {
    const table = tables.get(name);
    return table?.partitionOf === undefined ? table : whole(table.partitionOf);
  };
  for (const table of tables.values())
    for (const key of table.foreignKeys) key.references = whole(key.references)?.quoted ?? key.references;
  for (const table of tables.values()) {
    const owner = table.partitionOf === undefined ? undefined : whole(table.quoted);
    if (owner === undefined) continue;
    owner.foreignKeys.push(...table.foreignKeys);
    table.foreignKeys = [];
  }
}

function tableOf({ schema, name, columns = {}, order, inherits, partitionOf }: Facts): PrunableTable {
  return {
    ...{ schema, name, quoted: quoteQualified(schema, name) },
    columns: (order ?? Object.keys(columns)).flatMap((column) => {
      const facts = Object.hasOwn(columns, column) ? columns[column] : undefined;
      if (facts === undefined) return [];
      return {
        name: column,
        type: facts.type,
        notNull: facts.notNull === true,
        defaulted: facts.default !== undefined || facts.identity !== undefined,
        generated: facts.generated !== undefined,
        ...(facts.identity && { identity: facts.identity }),
      };
    }),
    ...{ primaryKey: [], foreignKeys: [], inherits: inherits !== undefined },
    ...(partitionOf !== undefined && { partitionOf: quotedOf(partitionOf) }),
  };
}

function quotedOf(printed: string): string {
  const [schema = "", name] = namesOf(printed);
  return name === undefined ? quoteQualified("pg_catalog", schema) : quoteQualified(schema, name);
}
