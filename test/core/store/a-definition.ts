/** Definitions for tests of stores: out of a lock as people write them. */
import { type ColumnLock, type SchemaLock, schemaLock, type TableLock } from "../../../core/schema-lock.ts";
import { parseStoreFile } from "../../../core/store/store-file.ts";

export interface LockParts {
  tables: Record<
    string,
    Partial<Omit<TableLock, "columns">> & { columns: Record<string, string | ColumnLock> }
  >;
  relations?: SchemaLock["relations"];
  enums?: SchemaLock["enums"];
  others?: SchemaLock["others"];
}

/** A lock of these tables. A column is its type; one that may be NULL ends with a question mark. */
export function lockOf({ tables, relations = [], enums = {}, others = {} }: LockParts): SchemaLock {
  const whole = Object.entries(tables).map(([name, { columns, ...more }]) => [
    name,
    {
      ...{ constraints: {}, indexes: {} },
      ...more,
      columns: Object.fromEntries(Object.entries(columns).map(([column, of]) => [column, columnOf(of)])),
    },
  ]);
  const empty = schemaLock({ format: "rehearsal-shape/1", objects: {} });
  return { ...empty, tables: Object.fromEntries(whole), relations, enums, others };
}

/** The definition that this store.yaml makes of the lock. */
export function definitionOf(yaml: string, parts: LockParts) {
  return parseStoreFile(Buffer.from(yaml), lockOf(parts));
}

/** A foreign key of one column to `id`. */
export function pointer(
  table: string,
  column: string,
  references: string,
  onDelete = "cascade",
): SchemaLock["relations"][number] {
  const name = `${table.split(".")[1]}_${column}_fkey`;
  return {
    name,
    table,
    columns: [column],
    references,
    referencedColumns: ["id"],
    onDelete,
    onUpdate: "no action",
  };
}

function columnOf(of: string | ColumnLock): ColumnLock {
  if (typeof of !== "string") return of;
  return { type: of.replace(/\?$/, ""), nullable: of.endsWith("?") };
}
