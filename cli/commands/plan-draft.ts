/** `rehearsal plan draft`: writes a migration's data plan as far as it follows from the SQL. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { planPath } from "../../core/data-plan.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Migration } from "../../core/migration.ts";
import { numberText } from "../../core/migration-name.ts";
import { isAbout } from "../../core/plan-coverage.ts";
import { draftable, draftPlan } from "../../core/plan-draft.ts";
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
  const migration = named === undefined ? unplanned(project).at(-1) : find(project, named);
  return write(folder, migration ?? noneLacks());
}

/** Drafts the plan of every migration that needs one and has none, in order. Throws `PlanNotNeeded` where there is no such migration. */
export async function draftAll(folder: string): Promise<Drafted[]> {
  const lacking = unplanned(await checkProject(await readProjectFiles(folder)));
  if (lacking.length === 0) noneLacks();
  const drafted: Drafted[] = [];
  for (const migration of lacking) drafted.push(await write(folder, migration));
  return drafted;
}

async function write(folder: string, migration: Migration): Promise<Drafted> {
  const needing = draftable(migration);
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

/** A squash has the plans of those that it stands for. */
function unplanned({ migrations, plans }: Project): Migration[] {
  return migrations.filter(
    (migration) => !plans.some((plan) => isAbout(plan, migration)) && needingPlan(migration).length > 0,
  );
}

function noneLacks(): never {
  throw new RehearsalError("PlanNotNeeded", { migration: "whatever has no plan yet" });
}

function find({ migrations }: Project, named: string): Migration {
  const found = migrations.find(({ version, key, path }) =>
    [numberText(version), String(version), key, path].includes(named),
  );
  if (found === undefined) throw new RehearsalError("NotFound", { what: "migration", name: named });
  return found;
}
