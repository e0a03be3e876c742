/** Determinism is proved, not believed: what is called so runs on two copies of equal content, whose rows lie in different orders, which must hold the same afterwards. */
import type { Baseline } from "../core/baseline.ts";
import type { DataPlan } from "../core/data-plan.ts";
import { RehearsalError } from "../core/errors.ts";
import { databaseName } from "../core/names.ts";
import { isAbout } from "../core/plan-coverage.ts";
import { readingOf } from "../core/row-order.ts";
import { applyRuns } from "../io/postgres/apply.ts";
import { readBaseline } from "../io/postgres/baseline.ts";
import { cloneDatabase, dropDatabase } from "../io/postgres/databases.ts";
import { reverseRows } from "../io/postgres/row-order.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { neededFact } from "./facts.ts";
import type { Rehearsed } from "./planned-rehearsal.ts";
import type { StepContext } from "./step.ts";

/** How many copies of production stand at once: the restored one, its clone that the release plays on, and the twin where there is one. */
export function copiesFor(plans: readonly Pick<DataPlan, "deterministic">[]): number {
  return claimsDeterminism(plans) ? 3 : 2;
}

function claimsDeterminism(plans: readonly Pick<DataPlan, "deterministic">[]): boolean {
  return plans.some(({ deterministic }) => deterministic.length > 0);
}

/** Runs the work with a second clone of the pristine copy, made only when some plan claims determinism, and dropped in every case. */
export async function withTwin<T>(
  context: StepContext,
  maintenance: Session,
  plans: readonly Pick<DataPlan, "deterministic">[],
  work: (twin: Session | undefined) => Promise<T>,
): Promise<T> {
  if (!claimsDeterminism(plans)) return work(undefined);
  const { promotion, attempt, application } = context;
  const name = databaseName(
    neededFact(promotion, "production").name,
    "scratch",
    `${promotion.id}_${attempt.attempt}twin`,
  );
  try {
    await cloneDatabase(maintenance, neededFact(promotion, "pristine").name, name);
    const twin = await openSession(context.address, { application, database: name });
    try {
      return await work(twin);
    } finally {
      await twin.close();
    }
  } finally {
    await dropDatabase(maintenance, name);
  }
}

/**
 * Lays the twin's rows in another order, runs all of the release on it and compares all tables; marks the claimed statements as proved.
 * Throws `DeterminismUnprovable` or `NotDeterministic`.
 */
export async function proveDeterminism(
  plans: readonly DataPlan[],
  { report, project, options, held, twin }: Rehearsed,
): Promise<void> {
  if (twin === undefined) return;
  const claims = plans.flatMap((plan) =>
    project.migrations
      .filter((migration) => isAbout(plan, migration))
      .flatMap(({ statements }) => statements)
      .filter(({ fingerprint }) => plan.deterministic.includes(fingerprint))
      .map((statement) => ({ plan, statement, reading: readingOf(statement) })),
  );
  for (const { plan, statement, reading } of claims)
    if (reading.problem !== undefined)
      throw new RehearsalError("DeterminismUnprovable", {
        ...{ plans: plan.path, statement: `line ${statement.line}`, problem: reading.problem },
      });
  const paths = [...new Set(claims.map(({ plan }) => plan.path))].join(", ");
  const unordered = await reverseRows(
    twin,
    claims.map(({ reading }) => reading),
  );
  if (unordered.length > 0)
    throw new RehearsalError("DeterminismUnprovable", {
      ...{ plans: paths, statement: "a statement" },
      problem: `the rows of ${unordered.join(", ")} have no key by which a copy could lay them in another order`,
    });
  const { attempt, release, runs, policy, onItem } = options;
  await applyRuns({
    session: twin,
    attempt,
    release,
    runs,
    policy,
    unpaced: true,
    ...(onItem && { onItem }),
  });
  const now = await readBaseline(twin);
  const tables = [...new Set([...Object.keys(held.tables), ...Object.keys(now.tables)])];
  const different = tables.filter((table) => !sameContent(held, now, table));
  if (different.length > 0)
    throw new RehearsalError("NotDeterministic", { plans: paths, tables: different.join(", ") });
  for (const { plan, statement } of claims)
    for (const measured of report.plans?.find(({ path }) => path === plan.path)?.statements ?? [])
      if (measured.fingerprint === statement.fingerprint) measured.deterministic = "proved";
}

function sameContent(one: Baseline, other: Baseline, table: string): boolean {
  const [left, right] = [one.tables[table], other.tables[table]];
  return left?.rows === right?.rows && left?.checksum === right?.checksum;
}
