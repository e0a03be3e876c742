/** Determinism is proved, not believed: what is called so runs on two equal copies, which must hold the same afterwards. */
import type { Baseline } from "../core/baseline.ts";
import type { DataPlan } from "../core/data-plan.ts";
import { RehearsalError } from "../core/errors.ts";
import type { Statement } from "../core/migration.ts";
import { databaseName } from "../core/names.ts";
import { mayBeSame, readName } from "../core/plain-name.ts";
import { isAbout } from "../core/plan-coverage.ts";
import { applyRuns } from "../io/postgres/apply.ts";
import { readBaseline } from "../io/postgres/baseline.ts";
import { cloneDatabase, dropDatabase } from "../io/postgres/databases.ts";
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

/** Runs all of the release on the twin and compares the tables that the claimed statements touch; throws `NotDeterministic`, marks the statements as proved. */
export async function proveDeterminism(
  plans: readonly DataPlan[],
  { report, project, options, held, twin }: Rehearsed,
): Promise<void> {
  if (twin === undefined) return;
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
  for (const plan of plans) {
    const claimed = project.migrations
      .filter((migration) => isAbout(plan, migration))
      .flatMap(({ statements }) => statements)
      .filter(({ fingerprint }) => plan.deterministic.includes(fingerprint));
    const tables = Object.keys(held.tables).filter((table) => claimed.some((one) => mayTouch(one, table)));
    const now = await readBaseline(twin, { tables });
    const different = tables.filter((table) => !sameContent(held, now, table));
    if (different.length > 0)
      throw new RehearsalError("NotDeterministic", { plans: plan.path, tables: different.join(", ") });
    for (const measured of report.plans?.find(({ path }) => path === plan.path)?.statements ?? [])
      if (plan.deterministic.includes(measured.fingerprint)) measured.deterministic = "proved";
  }
}

/** SQL that is put together while it runs may touch any table. */
function mayTouch({ touches }: Statement, table: string): boolean {
  return touches.opaque || touches.objects.some(({ name }) => mayBeSame(readName(table) ?? [], name));
}

function sameContent(one: Baseline, other: Baseline, table: string): boolean {
  const [left, right] = [one.tables[table], other.tables[table]];
  return left?.rows === right?.rows && left?.checksum === right?.checksum;
}
