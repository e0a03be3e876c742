/** Names of tables as people write them in the inventory: as the catalog has them, in double quotes only where they must be. */
import { fits } from "./configuration.ts";

export interface TableName {
  schema: string;
  name: string;
}

const PART = /"(?:[^"]|"")+"|[^".]+/g;

/** `users`, `billing.invoices`, `billing."a.b"`; undefined when it is no name. A name alone is in the schema public. */
export function parseTableKey(key: string): TableName | undefined {
  const parts = key.match(PART) ?? [];
  if (parts.join(".") !== key) return undefined;
  const [first, second, third] = parts.map((part) =>
    part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part,
  );
  if (first === undefined || third !== undefined) return undefined;
  return second === undefined ? { schema: "public", name: first } : { schema: first, name: second };
}

/** The key that `parseTableKey` reads as this table. */
export function tableKey({ schema, name }: TableName): string {
  const quoted = [schema, name].map((part) => (/[".]/.test(part) ? `"${part.replaceAll('"', '""')}"` : part));
  return schema === "public" ? (quoted[1] ?? "") : quoted.join(".");
}

/** True when a pattern of `ignore` fits the table's key, or the table's key with its schema. */
export function isIgnored(table: TableName, patterns: readonly string[]): boolean {
  return patterns.some(
    (pattern) => fits(pattern, tableKey(table)) || fits(pattern, `${table.schema}.${table.name}`),
  );
}
