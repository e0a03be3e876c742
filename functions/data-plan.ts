/** Data plans at admission: what will run is additive, or planned, and what people must know of the plans is kept with the promotion. */
import type { DataPlan, PlanBrief } from "../core/data-plan.ts";
import { RehearsalError } from "../core/errors.ts";
import { type Coverage, coverPlans, isAbout } from "../core/plan-coverage.ts";
import type { Project } from "../core/project.ts";
import type { Shape } from "../core/shape.ts";
import type { Environment } from "../io/ledger/environments.ts";

/** Throws as `coverPlans` does, and `ApproversUnasked`. Where no table stands yet nothing can be lost, and plans are optional. */
export function assertPlanned(
  environment: Pick<Environment, "name" | "role" | "policy">,
  project: Project,
  pending: readonly string[],
  shape: Shape,
): Coverage {
  const coverage = coverPlans(project, {
    pending: new Set(pending),
    policy: plansPolicy(environment, shape),
  });
  const naming = coverage.plans.find(({ approvers }) => approvers.length > 0);
  if (naming !== undefined && environment.policy.decision === "automatic")
    throw new RehearsalError("ApproversUnasked", { plan: naming.path, environment: environment.name });
  return coverage;
}

/** Whether plans are required there, its database having that whole shape: what the policy ignores can be lost too. */
export function plansPolicy({ role, policy }: Pick<Environment, "role" | "policy">, shape: Shape) {
  if (!holdsTables(shape)) return "optional";
  return policy.plans ?? (role === "prod" ? "required" : "optional");
}

/** True for a database that may hold rows. */
export function holdsTables(shape: Shape): boolean {
  return Object.keys(shape.objects).some((address) => address.startsWith("table "));
}

/** The plans of the pending migrations, as the release holds them: what the evidence is computed from anew. */
export function pendingPlans(project: Project, pending: readonly string[]): DataPlan[] {
  const migrations = project.migrations.filter(({ path }) => pending.includes(path));
  return project.plans.filter((plan) => migrations.some((migration) => isAbout(plan, migration)));
}

/** Throws `ApproverNotNamed` unless every plan that names its approvers names this one. */
export function assertApprover(plans: readonly PlanBrief[] | undefined, by: string): void {
  for (const { path, approvers } of plans ?? [])
    if (approvers.length > 0 && !approvers.includes(by))
      throw new RehearsalError("ApproverNotNamed", { by, plan: path, approvers: approvers.join(", ") });
}
