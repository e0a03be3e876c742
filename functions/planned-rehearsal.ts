/** Holds a rehearsal to the data plans: what is lost is counted and bounded, what is changed is named, and what is called deterministic is proved so. */
import type { Baseline } from "../core/baseline.ts";
import { RehearsalError } from "../core/errors.ts";
import { quoteName } from "../core/names.ts";
import { coverPlans, few, isAbout, told } from "../core/plan-coverage.ts";
import { unplannedEffects, unreached } from "../core/plan-reach.ts";
import { plannedLosses, refuseLosses, reportPlan } from "../core/plan-report.ts";
import type { Project } from "../core/project.ts";
import type { RehearsalReport } from "../core/report.ts";
import type { Shape } from "../core/shape.ts";
import type { ApplyOptions } from "../io/postgres/apply.ts";
import { countContent } from "../io/postgres/losses.ts";
import type { Session } from "../io/postgres/session.ts";
import { pendingPlans, plansPolicy } from "./data-plan.ts";
import { proveDeterminism } from "./determinism.ts";
import type { StepContext } from "./step.ts";

export interface Rehearsed {
  report: RehearsalReport;
  project: Project;
  /** How the files were run on the copy. */
  options: ApplyOptions;
  before: Shape;
  after: Shape;
  /** What the copy holds now. */
  held: Baseline;
  /** The copy that nothing ran on. */
  pristine: Session;
  /** Another copy, where a plan claims determinism; it is spent afterwards. */
  twin: Session | undefined;
}

/** Writes the plans with their measures into the report; throws `LossBeyondPlan`, `ChangeUnplanned`, `PlanTooWide` or `NotDeterministic`. */
export async function holdToPlans(context: StepContext, rehearsed: Rehearsed): Promise<void> {
  const { report, project, options, before, after, pristine } = rehearsed;
  const { promotion, environment } = context;
  const pending = options.runs.flatMap((run) => run.items.map(({ path }) => path));
  const plans = pendingPlans(project, pending);
  const effects = { before, after, runs: report.runs };
  if (plansPolicy({ ...environment, policy: promotion.policy }, before) === "required") {
    const unplanned = unplannedEffects(effects, plans);
    if (unplanned.length > 0) throw new RehearsalError("ChangeUnplanned", { objects: few(unplanned) });
  }
  const { unplanned } = coverPlans(project, { pending: new Set(pending), policy: "optional" });
  if (unplanned.length > 0)
    report.unplanned = unplanned.map(({ path, statement }) => `${path}, ${told(statement)}`);
  if (plans.length === 0) return;
  const searchPath = promotion.policy.searchPath.map(quoteName).join(", ");
  report.plans = [];
  for (const plan of plans) {
    const migration = project.migrations.find((one) => isAbout(plan, one));
    if (migration === undefined) continue;
    const counted = new Map<string, number | null>();
    for (const loss of plannedLosses(plan, migration))
      if (loss.kind !== "rows of" && !counted.has(loss.object))
        counted.set(loss.object, await countContent(pristine, loss, searchPath));
    report.plans.push(reportPlan(plan, migration, report, counted));
    const nowhere = unreached(effects, plan);
    if (nowhere.length > 0)
      throw new RehearsalError("PlanTooWide", {
        plan: plan.path,
        migration: migration.path,
        problems: `nothing reached ${nowhere.join(", ")} on the copy`,
      });
  }
  refuseLosses(report.plans);
  await proveDeterminism(plans, rehearsed);
}
