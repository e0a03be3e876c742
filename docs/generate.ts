/** `node docs/generate.ts [--check]`: writes the pages that follow from the source, or names where one no longer does. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { cliReference } from "../cli/reference.ts";
import { promotionDefinition, rollbackDefinition } from "../workflows/promotion.asl.ts";
import { pruneDefinition } from "../workflows/prune.asl.ts";
import { taskDefinition } from "../workflows/task.asl.ts";
import { securityPage } from "./access-table.ts";
import { costsPage } from "./costs.ts";
import { errorTable } from "./error-table.ts";
import { faultsPage } from "./faults-page.ts";
import { inventoryJsonSchema } from "./inventory-schema.ts";
import { jsonPage } from "./json-page.ts";
import { metricsPage } from "./metrics-page.ts";
import { openApiDocument } from "./openapi.ts";
import { permissionsPage } from "./permissions-page.ts";
import { rulePages } from "./rules-pages.ts";
import { runbook } from "./runbook.ts";
import { dataPlanJsonSchema, reportJsonSchema, storeJsonSchema } from "./schemas.ts";

export interface Page {
  /** From the root of the tree. */
  file: string;
  generate(): Promise<string> | string;
}

/** Every generated page; a new one is added here. */
const PAGES: Page[] = [
  { file: "docs/cli.md", generate: () => cliReference() },
  { file: "docs/json.md", generate: () => jsonPage() },
  { file: "docs/faults.md", generate: () => faultsPage() },
  { file: "docs/openapi.json", generate: () => openApiDocument() },
  { file: "docs/metrics.md", generate: () => metricsPage() },
  { file: "docs/errors.md", generate: () => errorTable() },
  { file: "docs/security.md", generate: () => securityPage() },
  { file: "docs/permissions.md", generate: () => permissionsPage() },
  { file: "docs/operations/costs.md", generate: () => costsPage() },
  ...rulePages(),
  { file: "docs/schemas/inventory.schema.json", generate: () => inventoryJsonSchema() },
  { file: "docs/schemas/data-plan.schema.json", generate: () => dataPlanJsonSchema() },
  { file: "docs/schemas/report.schema.json", generate: () => reportJsonSchema() },
  { file: "docs/schemas/store.schema.json", generate: () => storeJsonSchema() },
  {
    file: "docs/promotion.md",
    generate: () =>
      runbook({
        promotion: promotionDefinition(),
        rollback: rollbackDefinition(),
        task: taskDefinition(),
        prune: pruneDefinition(),
      }),
  },
];

/** One complaint per page that differs from what its source says, with the first line that does; none when all agree. */
export async function findDrift(pages: Page[], root: string): Promise<string[]> {
  const complaints: string[] = [];
  for (const { file, generate } of pages) {
    const should = await generate();
    const is = await readFile(join(root, file), "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (is === undefined) complaints.push(`${file} is missing`);
    else if (is !== should) complaints.push(`${file} ${firstDifference(is, should)}`);
  }
  return complaints;
}

export async function writePages(pages: Page[], root: string): Promise<void> {
  for (const { file, generate } of pages) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), await generate());
  }
}

function firstDifference(is: string, should: string): string {
  const lines = is.split("\n");
  const wanted = should.split("\n");
  const at = wanted.findIndex((line, index) => line !== lines[index]);
  const index = at === -1 ? wanted.length : at;
  const show = (line: string | undefined) => (line === undefined ? "(nothing)" : JSON.stringify(line));
  return `differs at line ${index + 1}\n  is:        ${show(lines[index])}\n  should be: ${show(wanted[index])}`;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
  const root = join(import.meta.dirname, "..");
  if (values.check) {
    const complaints = await findDrift(PAGES, root);
    for (const complaint of complaints) console.error(complaint);
    if (complaints.length > 0) {
      console.error('hint: the source has changed; write the pages anew with "node docs/generate.ts"');
      process.exitCode = 1;
    }
  } else await writePages(PAGES, root);
}
