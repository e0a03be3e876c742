/** Whether a column's default makes ADD COLUMN rewrite the table: Postgres evaluates a default that cannot change once, and stores it with the column. */
import { nameParts, walk } from "./sql-tree.ts";

/** Built-in functions that give one value for the whole statement; what is not known here is taken for volatile. */
const STABLE = new Set([
  "now",
  "transaction_timestamp",
  "statement_timestamp",
  "current_setting",
  "current_database",
  "current_schema",
  "timezone",
  "date_trunc",
  "to_timestamp",
  "make_date",
  "make_interval",
  "coalesce",
  "lower",
  "upper",
  "concat",
  "format",
  "md5",
  "jsonb_build_object",
  "jsonb_build_array",
  "json_build_object",
  "json_build_array",
  "to_jsonb",
  "to_json",
  "array_fill",
  "int4range",
  "int8range",
  "numrange",
  "tstzrange",
  "daterange",
]);

/** True when the expression calls a function that may give another value for each row. */
export function isVolatile(expression: unknown): boolean {
  let found = false;
  walk(expression, (fields, kind) => {
    if (kind !== "FuncCall") return;
    const parts = nameParts(fields.funcname);
    const name = parts.at(-1) ?? "";
    const builtIn = parts.length === 1 || parts[0] === "pg_catalog";
    if (!builtIn || !STABLE.has(name)) found = true;
  });
  return found;
}
