/** `rehearsal plan draft`: writes a migration's data plan as far as it follows from the SQL. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { planPath } from "../../core/data-plan.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Migration } from "../../core/migration.ts";
import { numberText } from "../../core/migration-name.ts";
import { draftPlan } from "../../core/plan-draft.ts";
import { needingPlan } from "../../core/plan-need.ts";
import { checkProject, type Project } from "../../core/project.ts";
import { readProjectFiles } from "../project-files.ts";

export interface Drafted {
  path: string;
  migration: string;
  statements: { line: number; summary: string; fingerprint: string }[];
}

/**
 * Drafts the plan of one migration, named by its number or its path: the newest that needs one and has none when it is
 * left out. Throws `NotFound`, `PlanNotNeeded`, and `PlanStands`, for no plan is ever written over.
 */
export async function draft(folder: string, named: string | undefined): Promise<Drafted> {
  const project = await checkProject(await readProjectFiles(folder));
  const migration = named === undefined ? newestUnplanned(project) : find(project, named);
  const needing = needingPlan(migration);
  if (needing.length === 0) throw new RehearsalError("PlanNotNeeded", { migration: migration.path });
  const path = planPath(migration.version);
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), draftPlan(migration), { flag: "wx" }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") throw new RehearsalError("PlanStands", { plan: path });
      throw error;
    },
  );
  return {
    path,
    migration: migration.path,
    statements: needing.map(({ line, summary, fingerprint }) => ({ line, summary, fingerprint })),
  };
}

function newestUnplanned({ migrations, plans }: Project): Migration {
  const planned = new Set(plans.map(({ version }) => version));
  const found = migrations.findLast(
    (migration) => !planned.has(migration.version) && needingPlan(migration).length > 0,
  );
  if (found === undefined)
    throw new RehearsalError("PlanNotNeeded", { migration: "whatever has no plan yet" });
  return found;
}

function find({ migrations }: Project, named: string): Migration {
  const found = migrations.find(({ version, key, path }) =>
    [numberText(version), String(version), key, path].includes(named),
  );
  if (found === undefined) throw new RehearsalError("NotFound", { what: "migration", name: named });
  return found;
}
