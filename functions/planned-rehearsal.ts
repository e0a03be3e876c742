/** Holds a rehearsal to the data plans: what is lost is counted and bounded, what is changed is named, and what is called deterministic is proved so. */
import { type Baseline, keptColumns } from "../core/baseline.ts";
import type { DataPlan } from "../core/data-plan.ts";
import { RehearsalError } from "../core/errors.ts";
import { quoteName } from "../core/names.ts";
import { coverPlans, few, isAbout, told } from "../core/plan-coverage.ts";
import { wholeNames } from "../core/plan-names.ts";
import {
  type ContentChange,
  type Effects,
  plannedColumns,
  unplannedEffects,
  unreached,
} from "../core/plan-reach.ts";
import { plannedLosses, refuseLosses, reportPlan } from "../core/plan-report.ts";
import type { Project } from "../core/project.ts";
import type { RehearsalReport, RunMeasure } from "../core/report.ts";
import type { Shape } from "../core/shape.ts";
import type { ApplyOptions } from "../io/postgres/apply.ts";
import { countContent } from "../io/postgres/losses.ts";
import type { Session } from "../io/postgres/session.ts";
import { readTableFiles } from "../io/postgres/table-files.ts";
import { pendingPlans, plansPolicy } from "./data-plan.ts";
import { proveDeterminism } from "./determinism.ts";
import { compareKept, type Holder, type KeptContent } from "./kept-content.ts";
import type { StepContext } from "./step.ts";

export interface Rehearsed {
  report: RehearsalReport;
  project: Project;
  /** How the files were run on the copy. */
  options: ApplyOptions;
  /** Whole, with what the policy ignores. */
  before: Shape;
  after: Shape;
  /** What the copy holds now. */
  held: Baseline;
  /** The copy that nothing ran on. */
  pristine: Session;
  /** What each file wrote in its transaction. */
  writes: readonly { path: string; changed: RunMeasure["changed"] }[];
  /** Which tables hold something else in the columns that stayed. */
  content: KeptContent;
  /** The untouched copy and this one, with what they hold. */
  holders: readonly [Holder, Holder];
  /** Another copy, where a plan claims determinism; it is spent afterwards. */
  twin: Session | undefined;
}

/** Writes the plans with their measures into the report; throws `LossBeyondPlan`, `ChangeUnplanned`, `PlanTooWide` or `NotDeterministic`. */
export async function holdToPlans(context: StepContext, rehearsed: Rehearsed): Promise<void> {
  const { report, project, options, before, pristine, writes } = rehearsed;
  const { promotion, environment } = context;
  const pending = options.runs.flatMap((run) => run.items.map(({ path }) => path));
  const plans = pendingPlans(project, pending);
  const effects = await effectsOf(rehearsed, plans, promotion.policy.searchPath);
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
    const whole = wholeNames(before, promotion.policy.searchPath);
    report.plans.push(
      reportPlan(plan, migration, { ...report, writes, content: effects.content }, counted, whole),
    );
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

/** Files of these kinds may run outside a transaction and write no row. */
const WRITING_NOTHING = new Set(["AlterEnumStmt", "DropStmt", "IndexStmt", "ReindexStmt", "VacuumStmt"]);

async function effectsOf(
  { report, project, options, before, after, writes, content, holders, pristine }: Rehearsed,
  plans: readonly DataPlan[],
  searchPath: readonly string[],
): Promise<Effects> {
  const [, copy] = holders;
  const items = report.runs.flatMap((run) => run.items);
  return {
    ...{ before, after, searchPath },
    writes: writes.map(({ path, changed }) => ({
      ...{ path, changed },
      rewritten: items
        .filter((item) => item.path === path)
        .flatMap(({ statements }) => statements.flatMap(({ rewritten }) => rewritten)),
    })),
    counted: options.runs.every(
      (run) =>
        run.transactional ||
        run.items.every(({ statements }) => statements.every(({ kind }) => WRITING_NOTHING.has(kind))),
    ),
    content: await contentBeyond(plannedColumns({ before, searchPath }, plans)),
    largeObjects: holders[0].known.largeObjects.checksum !== copy.known.largeObjects.checksum,
    isAbout: (plan, path) =>
      project.migrations.some((migration) => migration.path === path && isAbout(plan, migration)),
  };

  /** The tables that hold something else in columns that no plan names. */
  async function contentBeyond(named: ReadonlyMap<string, ReadonlySet<string>>): Promise<ContentChange[]> {
    const kept = keptColumns(before, after);
    const others = Object.fromEntries(
      content.changed.flatMap(({ table }) => {
        const columns = named.get(table);
        return columns === undefined
          ? []
          : [[table, (kept[table] ?? []).filter((column) => !columns.has(column))]];
      }),
    );
    const again = Object.keys(others).length === 0 ? undefined : await compareKept(...holders, others);
    const changed = [
      ...content.changed.filter(({ table }) => !Object.hasOwn(others, table)),
      ...(again?.changed ?? []),
    ];
    if (changed.length === 0) return [];
    const [was, is] = [await readTableFiles(pristine), await readTableFiles(copy.session)];
    return changed.map((change) => {
      const [one, other] = [was.get(change.table), is.get(change.table)];
      const same =
        one?.oid === other?.oid &&
        one?.file === other?.file &&
        (kept[change.table] ?? []).every((column) => one?.places.get(column) === other?.places.get(column));
      return { ...change, same };
    });
  }
}
