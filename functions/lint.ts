/** The safety analysis where a release meets its environment: what is pending, by the sizes that production has. */
import type { DataPlan } from "../core/data-plan.ts";
import { RehearsalError } from "../core/errors.ts";
import { protectedTables } from "../core/inventory.ts";
import { type Finding, lint } from "../core/lint/lint.ts";
import { quoteName } from "../core/names.ts";
import { plannedStatements } from "../core/planned-statements.ts";
import type { Project } from "../core/project.ts";
import type { Environment } from "../io/ledger/environments.ts";
import type { Session } from "../io/postgres/session.ts";
import { estimateSizes } from "../io/postgres/size-estimates.ts";

/** Lints the pending files; throws `LintRefused` for errors that neither the files nor these plans, which fit them, allow, where the policy says so. */
export async function lintPending(
  session: Session,
  { policy }: Pick<Environment, "policy">,
  project: Project,
  paths: readonly string[],
  plans: readonly DataPlan[],
): Promise<Finding[]> {
  if (paths.length === 0) return [];
  const pending = new Set(paths);
  const findings = lint(project, {
    pending,
    sizes: await estimateSizes(session, tablesNamed(project, pending, policy.searchPath)),
    protectedTables: protectedTables(project.inventory),
    searchPath: policy.searchPath,
    lockTimeout: policy.lockTimeout,
    planned: plannedStatements(project.migrations, plans),
    // A release that holds any is not read at all.
    refused: new Set(),
  });
  const errors = findings.filter(
    ({ severity, suppressed }) => severity === "error" && suppressed === undefined,
  );
  if (policy.lint === "refuse" && errors.length > 0)
    throw new RehearsalError("LintRefused", { count: errors.length, findings: told(errors) });
  return findings;
}

/** More than these nobody reads in one line. */
const TOLD = 5;

function told(errors: readonly Finding[]): string {
  const lines = errors
    .slice(0, TOLD)
    .map(({ path, line, rule, message }) => `${path}:${line}: ${message} [${rule}]`);
  const more = errors.length - TOLD;
  return lines.join("; ") + (more > 0 ? `; and ${more} more` : "");
}

/** Full names of what the pending statements lock. */
function tablesNamed(project: Project, pending: ReadonlySet<string>, [schema = "public"]: readonly string[]) {
  const relations = [...project.migrations, ...project.views]
    .filter(({ path }) => pending.has(path))
    .flatMap(({ statements }) => statements.flatMap(({ locks }) => locks))
    .map(({ relation }) =>
      /^"(?:[^"]|"")*"\./.test(relation) ? relation : `${quoteName(schema)}.${relation}`,
    );
  return [...new Set(relations)];
}
