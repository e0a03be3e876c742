/** The gate of the inventory: what is undeclared does not reach production, and what has to be said of a change is said. */
import { type ChangeNote, type ChangingFile, changeNotes } from "../core/change-notes.ts";
import { RehearsalError } from "../core/errors.ts";
import { compareConfiguration } from "../core/inventory-configuration.ts";
import { inventoryLines } from "../core/inventory-lines.ts";
import { tablesOf } from "../core/inventory-shape.ts";
import { compareTables, type InventoryProblem } from "../core/inventory-tables.ts";
import type { Project } from "../core/project.ts";
import { assertRetention } from "../core/prune/check.ts";
import type { RehearsalReport } from "../core/report.ts";
import type { Shape } from "../core/shape.ts";
import type { Environment } from "../io/ledger/environments.ts";
import type { NewEvent } from "../io/ledger/events.ts";

/**
 * What can be known before the rehearsal. Throws `InventoryMissing` where the policy requires what the inventory is silent
 * about, and `ConfigurationUndeclared` where the two name different configuration.
 */
export function assertDeclared(environment: Environment, { inventory }: Pick<Project, "inventory">): void {
  const { name, policy } = environment;
  if (policy.inventory === "required")
    for (const missing of ["tables", "configuration"] as const)
      if (inventory[missing] === undefined)
        throw new RehearsalError("InventoryMissing", { environment: name, missing });
  const problems = compareConfiguration(inventory, policy.configuration, environment);
  if (problems.length === 0) return;
  throw new RehearsalError("ConfigurationUndeclared", { environment: name, ...inShort(problems) });
}

/**
 * Holds the inventory and its retention against the shape that the rehearsal left, and notes in the report what was said of
 * changes. Throws `InventoryIncomplete`, `RetentionRefused` and `ChangeNoteMissing`; a project whose inventory declares no tables is not asked.
 */
export function assertInventory(report: RehearsalReport, project: Project, after: Shape): void {
  const notes = notesOf(project, report.runs);
  if (notes.length > 0) report.notes = notes;
  const problems = compareTables(project.inventory, tablesOf(after));
  if (problems.length > 0) throw new RehearsalError("InventoryIncomplete", inShort(problems));
  assertRetention(project.inventory, after);
  const missing = notes.find(({ says }) => says === null);
  if (missing !== undefined)
    throw new RehearsalError("ChangeNoteMissing", {
      path: missing.path,
      table: missing.table,
      wants: missing.wants,
    });
}

/** The notes that migrations owe and give, by the locks that were measured or that their text tells. */
export function notesOf({ inventory, migrations, plans }: Project, runs: readonly NotedRun[]): ChangeNote[] {
  const files = runs.flatMap(({ items }) =>
    items.flatMap(({ path, statements }): ChangingFile[] => {
      const migration = migrations.find((one) => one.path === path);
      if (migration === undefined) return [];
      const { sql, version } = migration;
      const notes = plans.find((plan) => plan.version === version)?.notes ?? [];
      return [{ path, sql, notes, locks: statements.flatMap(({ locks }) => locks) }];
    }),
  );
  return changeNotes(inventory, files);
}

/** Of a plan or of a report: both know which locks a file's statements take. */
interface NotedRun {
  items: readonly { path: string; statements: readonly { locks: ChangingFile["locks"] }[] }[];
}

/** Of configuration that a person captures, where the copy lies: a backup does not have it. */
export function capturedByHand({ inventory }: Pick<Project, "inventory">): NewEvent[] {
  const items = (inventory.configuration ?? []).filter(({ capture }) => capture === "manual");
  if (items.length === 0) return [];
  const data = items.map(({ name, recorded }) => ({ item: name, recorded: recorded ?? "" }));
  return [{ type: "configuration.by-hand", data: { items: data } }];
}

/** The first problems in words, and the lines for all of them. */
function inShort(problems: readonly InventoryProblem[]): { problems: string; lines: string } {
  const told = problems.slice(0, 5).map(({ says }) => says);
  const more = problems.length - told.length;
  return {
    problems: told.join("; ") + (more > 0 ? `; and ${more} more` : ""),
    lines: inventoryLines(problems.flatMap(({ changes }) => changes)),
  };
}
