/** One rehearsal: the pending files run on a copy, measured, proved idempotent where they claim it, and compared. */
import { withoutHistory } from "../core/adoption-shape.ts";
import { type Baseline, keptColumns } from "../core/baseline.ts";
import { batchProgress } from "../core/batch-progress.ts";
import { blockedTraffic } from "../core/blocked.ts";
import { judgeBudgets, refuseExceeded } from "../core/budgets.ts";
import { withoutIgnored } from "../core/drift.ts";
import { RehearsalError, toErrorRecord } from "../core/errors.ts";
import type { Expectations } from "../core/expectations.ts";
import { quoteName } from "../core/names.ts";
import type { Policy } from "../core/policy.ts";
import type { Project } from "../core/project.ts";
import type { RehearsalReport, RunMeasure } from "../core/report.ts";
import { measureBatch } from "../core/report-batches.ts";
import type { Run, RunItem } from "../core/runs.ts";
import { refuseOtherSchema, schemaLock } from "../core/schema-lock.ts";
import { schemaMarks } from "../core/schema-marks.ts";
import { describeChanges, fingerprint, type Shape } from "../core/shape.ts";
import { type ApplyOptions, applyRuns, runAgain } from "../io/postgres/apply.ts";
import { readBaseline } from "../io/postgres/baseline.ts";
import { findBrokenChecks, refuseBroken } from "../io/postgres/checks.ts";
import { measureRuns } from "../io/postgres/measure.ts";
import { startProbes } from "../io/postgres/probes.ts";
import type { Session } from "../io/postgres/session.ts";
import { readShape } from "../io/postgres/shape.ts";
import { keepTime } from "../io/postgres/timeline.ts";
import { readManifest } from "./backups.ts";
import { neededFact } from "./facts.ts";
import { readGuardedShape } from "./guarded-shape.ts";
import { assertInventory } from "./inventory.ts";
import { compareKept, sameContent } from "./kept-content.ts";
import { holdToPlans } from "./planned-rehearsal.ts";
import type { StepContext } from "./step.ts";
import { refuseOutlasting, refuseTooLong } from "./time-left.ts";

export interface RehearsalResult {
  report: RehearsalReport;
  /** Absent when the rehearsal refuses the release. */
  expectations?: Expectations;
  /** Why it does. */
  refusal?: RehearsalError;
}

/** Rehearses on `copy`, which is then spent; `pristine` is only read; `twin` is a copy for the proof of determinism, where a plan claims it. Throws only what says nothing of the release. */
export async function rehearse(
  context: StepContext,
  project: Project,
  runs: readonly Run[],
  copy: Session,
  pristine: Session,
  twin?: Session,
): Promise<RehearsalResult> {
  const { promotion } = context;
  const started = performance.now();
  const { drift } = promotion.policy;
  const wholeBefore = await readShape(copy);
  const before = withoutIgnored(wholeBefore, drift.ignore);
  let wholeAfter = wholeBefore;
  const report: RehearsalReport = {
    format: "rehearsal-report/1",
    promotion: promotion.id,
    environment: promotion.environment,
    release: promotion.release,
    server: await serverVersion(copy),
    milliseconds: 0,
    runs: [],
    fingerprintBefore: fingerprint(before),
    fingerprintAfter: "",
    differences: [],
    bytesBefore: await databaseBytes(copy),
    bytesAfter: 0,
    walBytes: 0,
    unchangedTables: [],
    changedTables: [],
    brokenChecks: [],
    ...(promotion.facts.findings !== undefined && { findings: promotion.facts.findings }),
  };
  const shapes: Shape[] = [];
  const { observer, runs: measures, writes, replaced } = measureRuns(copy);
  const timeline = keepTime(observer);
  const searchPath = promotion.policy.searchPath.map(quoteName).join(", ");
  let longestSlice = 0;
  const options: ApplyOptions & { policy: Policy } = {
    session: copy,
    attempt: context.attempt,
    release: promotion.release,
    runs,
    policy: promotion.policy,
    observer: timeline.observer,
    // In the transaction, as in production: for whoever waits for its locks, looking takes as long as doing.
    verify: async (index) => {
      wholeAfter = await readShape(copy);
      shapes[index] = withoutIgnored(wholeAfter, drift.ignore);
      if (index === runs.length - 1) await check();
    },
    passed: timeline.passed,
    onItem: (item) => context.progress({ done: { bytes: 0, rows: 0 }, now: item.path }),
    unpaced: true,
    onSlice: (item, { milliseconds }, standing) => {
      longestSlice = Math.max(standing.slices > 1 ? longestSlice : 0, milliseconds);
      context.progress(batchProgress(item.path, standing, { pause: 0 }));
      refuseTooLong(context, item, standing);
    },
    onBatch: (item, standing) => {
      const walBytes = measures.at(-1)?.items.at(-1)?.statements.at(-1)?.walBytes ?? 0;
      if (item.batch === undefined) return;
      const measured = { longestSlice, walBytes };
      report.batches = [...(report.batches ?? []), measureBatch(item.path, item.batch, standing, measured)];
    },
  };
  try {
    await whileProbed();
    if (runs.length === 0) await check();
    const after = shapes.at(-1) ?? before;
    gather(report, measures, shapes);
    report.fingerprintAfter = fingerprint(after);
    report.differences = describeChanges(before, after);
    report.bytesAfter = await databaseBytes(copy);
    const kept = keptColumns(before, after);
    const held = await readBaseline(copy, { onProgress: context.progress });
    const { baseline } = await readManifest(context.store, neededFact(promotion, "backup"));
    const holders = [
      { session: pristine, known: baseline },
      { session: copy, known: held },
    ] as const;
    // What the policy ignores is nobody's promise, but can be lost like anything else.
    const content = await compareKept(...holders, keptColumns(wholeBefore, wholeAfter));
    report.unchangedTables = content.unchanged.filter((table) => Object.hasOwn(kept, table));
    report.changedTables = content.changed.map(
      ({ table, before: rows, after: now }) => `${table}: ${rows} rows before, ${now} after`,
    );
    await proveIdempotence(options, report, held);
    refuseBroken(report.brokenChecks);
    await holdToPlans(context, {
      ...{ report, project, options, held, pristine, twin, writes, content, holders },
      ...{ before: wholeBefore, after: wholeAfter },
    });
    report.budgets = judgeBudgets(promotion.policy.budgets, report);
    refuseExceeded(report.budgets);
    refuseOutlasting(context, report.runs, new Set(report.batches?.map(({ path }) => path)));
    if (project.schemaLock !== undefined) {
      const { schemaLock: promised, config } = project;
      const own = withoutHistory(after, config.format, Object.keys(promised.tables));
      refuseOtherSchema(promised, schemaLock(own, schemaMarks(project.inventory)));
    }
    assertInventory(report, project, after);
    report.milliseconds = performance.now() - started;
    const expectations: Expectations = {
      format: "rehearsal-expectations/1",
      runs: shapes.map((shape, index) => ({
        fingerprint: fingerprint(shape),
        shape,
        changedTables: Object.keys(measures[index]?.changed ?? {}).sort(),
        replacedTables: replaced[index] ?? [],
      })),
      kept,
      unchanged: report.unchangedTables,
      after: held,
    };
    return { report, expectations };
  } catch (error) {
    if (!(error instanceof RehearsalError) || error.retryable) throw error;
    gather(report, measures, shapes);
    report.milliseconds = performance.now() - started;
    report.failure = toErrorRecord(error);
    return { report, refusal: error };
  }

  async function check(): Promise<void> {
    report.brokenChecks = await inTransaction(copy, () => findBrokenChecks(copy, project.checks, searchPath));
  }

  /** Applies while readers and writers try to get at what the files lock; tells of their waiting whether it goes well or not. */
  async function whileProbed(): Promise<void> {
    const locks = runs.flatMap((run) =>
      run.items.flatMap((item) => item.statements.flatMap((statement) => statement.locks)),
    );
    const probes = await startProbes({
      ...{ session: copy, application: context.application, locks, policy: promotion.policy },
    });
    try {
      await applyRuns(options);
    } finally {
      const probing = await probes.end();
      report.blocked = blockedTraffic(timeline.times(), measures, probing);
    }
  }
}

/** Checks need a transaction: the run's own when one stands, else one of their own. */
function inTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  return session.inTransaction() ? work() : session.transaction(work, "begin read only");
}

function gather(report: RehearsalReport, measures: Omit<RunMeasure, "fingerprint">[], shapes: Shape[]): void {
  report.runs = measures.map((measure, index) => {
    const shape = shapes[index];
    return { ...measure, fingerprint: shape === undefined ? "" : fingerprint(shape) };
  });
  const statements = report.runs.flatMap((run) => run.items.flatMap((item) => item.statements));
  report.walBytes = statements.reduce((sum, statement) => sum + statement.walBytes, 0);
}

/** Runs each file that claims it once more: neither the shape nor one value may change. */
async function proveIdempotence(
  options: ApplyOptions & { policy: Policy },
  report: RehearsalReport,
  before: Baseline,
): Promise<void> {
  const claims = options.runs.flatMap((run) =>
    run.items.filter((item) => item.kind === "migration" && item.idempotent).map((item) => ({ run, item })),
  );
  let held = before;
  for (const { run, item } of claims) {
    const refuse = (problem: string, cause?: unknown) =>
      new RehearsalError("NotIdempotent", { path: item.path, problem }, { cause });
    try {
      await runAgain(options, run, item);
    } catch (error) {
      if (!(error instanceof RehearsalError) || error.retryable) throw error;
      throw refuse(`fails: ${error.message}`, error);
    }
    const shape = fingerprint(await readGuardedShape(options.session, options.policy));
    if (shape !== report.fingerprintAfter) throw refuse("changes the shape");
    const now = await readBaseline(options.session);
    const changed = differentTables(held, now);
    if (changed.length > 0) throw refuse(`changes what is in ${changed.join(", ")}`);
    held = now;
    markProved(report, item);
  }
}

function markProved(report: RehearsalReport, item: RunItem): void {
  for (const measured of report.runs.flatMap((run) => run.items))
    if (measured.path === item.path) measured.idempotent = "proved";
}

function differentTables(a: Baseline, b: Baseline): string[] {
  return Object.keys(a.tables).filter((table) => !sameContent(a, b, table));
}

async function databaseBytes(session: Session): Promise<number> {
  const [row] = await session.query<{ bytes: string }>(
    "select pg_database_size(current_database()) as bytes",
  );
  return Number(row?.bytes ?? 0);
}

async function serverVersion(session: Session): Promise<string> {
  const [row] = await session.query<{ version: string }>(
    "select current_setting('server_version') as version",
  );
  return row?.version ?? "";
}
