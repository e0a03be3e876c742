/** The reports and documents of a release: each definition with its statement, proved to read only what stays. */
import type { Inventory } from "../inventory.ts";
import type { ProjectFile } from "../project.ts";
import { neverDeleted } from "../prune/check.ts";
import { parseQuery } from "../query/file.ts";
import { parseFragment } from "../sql-parser.ts";
import type { Statement } from "../statement.ts";
import { configInvalid } from "../yaml-file.ts";
import {
  type DocumentDefinition,
  isDocument,
  parseReportDefinition,
  type Report as ReportFile,
} from "./definition.ts";
import { definitionsOf, type PrunedTable, refusePrunedSources } from "./sources.ts";

/** A report and the one SELECT that gives its rows. */
export interface Report extends ReportFile {
  statement: string;
}

export interface Reporting {
  /** By name. */
  reports: Report[];
  documents: DocumentDefinition[];
}

/** Reads `reports/*.yaml` and the SQL beside them; throws `ConfigInvalid`, `QueryFileRefused`, and as the SQL's parser does. */
export async function parseReporting(files: readonly ProjectFile[]): Promise<Reporting> {
  const found: Reporting = { reports: [], documents: [] };
  for (const file of files) {
    if (!/^reports\/[^/]+\.yaml$/.test(file.path)) continue;
    const definition = parseReportDefinition(file.path, file.bytes);
    if (isDocument(definition)) {
      found.documents.push(definition);
      continue;
    }
    const sql = files.find(({ path }) => path === definition.sql);
    if (sql === undefined) throw configInvalid(file.path, [`sql: there is no ${definition.sql}`]);
    const query = await parseQuery(sql.path, sql.bytes);
    if (query.parameters.length > 0)
      throw configInvalid(file.path, [`sql: ${sql.path} declares parameters, and nobody gives a report any`]);
    found.reports.push({ ...definition, statement: query.sql });
  }
  return found;
}

/** Throws `ReportReadsPruned` for the first report that reads what a policy of the inventory prunes, as far as the statements of the release tell. */
export async function refusePrunedReports(
  { reports }: Reporting,
  inventory: Inventory,
  statements: readonly Pick<Statement, "kind" | "sql">[],
): Promise<void> {
  const pruned = prunedTables(inventory);
  if (pruned.length === 0 || reports.length === 0) return;
  const definitions = definitionsOf(
    statements
      .filter(({ kind }) => /^(ViewStmt|CreateTableAsStmt|CreateFunctionStmt)$/.test(kind))
      .flatMap(({ sql }) => (parseFragment(sql) ?? []).map((node) => ({ ...node, sql }))),
  );
  for (const { name, sql, statement } of reports)
    await refusePrunedSources({ name, path: sql, sql: statement }, definitions, pruned);
}

/**
 * Throws `ConfigInvalid` where a document's prefix and one of which the inventory says that nothing is deleted overlap. The very
 * same folder may be both: what is made anew is put over the old, whose version stays.
 */
export function refuseGuardedDocuments(
  { documents }: Reporting,
  inventory: Pick<Inventory, "storage">,
): void {
  for (const { path, document } of documents) {
    const { prefix } = document.artifacts;
    const problems = neverDeleted(inventory)
      .filter((never) => never !== prefix && (never.startsWith(prefix) || prefix.startsWith(never)))
      .map(
        (never) =>
          `document.artifacts.prefix: "${prefix}" and "${never}" overlap, and storage says keep: never-delete of the latter`,
      );
    if (problems.length > 0) throw configInvalid(path, problems);
  }
}

/** What the retention policies of an inventory prune. */
export function prunedTables({ retention }: Pick<Inventory, "retention">): PrunedTable[] {
  return retention.flatMap(({ name, prune }) =>
    prune.map(({ table }) => ({ policy: name, table: [table.schema, table.name] })),
  );
}
