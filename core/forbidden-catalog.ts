/** Direct writes to Postgres' own catalogs: several are shared by every database of the server, and none is a migration's to write. */
import type { Refusal } from "./forbidden-statements.ts";
import { asText, isTree, type Tree } from "./sql-tree.ts";

const WRITES = new Set(["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"]);

/** A refusal when the node writes rows of a catalog, qualified or not. */
export function catalogWritten(fields: Tree, kind: string | undefined): Refusal | undefined {
  if (kind === undefined || !WRITES.has(kind) || !isTree(fields.relation)) return undefined;
  const name = asText(fields.relation.relname) ?? "";
  const schema = asText(fields.relation.schemaname);
  const catalog = schema === "pg_catalog" || (schema === undefined && name.startsWith("pg_"));
  return catalog ? { code: "CatalogWritten", what: name } : undefined;
}
