/** What the inventory knows of columns and the catalog does not: which hold ciphertext, and which hold JSON as text. */
import type { Inventory } from "./inventory.ts";
import type { SchemaMarks } from "./schema-lock.ts";
import { addressOf } from "./shape.ts";

/** The marks of an inventory's columns, by the names that a schema lock gives them. */
export function schemaMarks({ tables = [] }: Pick<Inventory, "tables">): SchemaMarks {
  const marked = (mark: "encrypted" | "json") =>
    new Set(
      tables.flatMap(({ schema, name, columns }) =>
        columns
          .filter((column) => column[mark] !== undefined)
          .map((column) =>
            addressOf({ word: "", name: [schema, name, column.name], suffix: null, on: null }).slice(1),
          ),
      ),
    );
  return { encrypted: marked("encrypted"), json: marked("json") };
}
