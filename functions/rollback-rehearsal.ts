/**
 * The rollback, rehearsed: the copy that waits takes the name of the one that the release ran on, as it would take production's, and
 * whoever asks by that name finds what production holds. Then it goes back to its own name, and nothing in it has changed.
 */
import { compareBaselines, describeBaselineDifference } from "../core/baseline.ts";
import { RehearsalError } from "../core/errors.ts";
import type { RollbackReport } from "../core/report.ts";
import { describeDifference, diffShapes, fingerprint } from "../core/shape.ts";
import { readBackup } from "../io/ledger/backup-rows.ts";
import { readBaseline } from "../io/postgres/baseline.ts";
import {
  carryDatabaseProperties,
  findDatabase,
  letOwnLoginIn,
  moveDatabase,
  readDatabaseProperties,
} from "../io/postgres/databases.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { writeState } from "../io/postgres/target-schema.ts";
import { readManifest } from "./backups.ts";
import { neededFact } from "./facts.ts";
import { readGuardedShape } from "./guarded-shape.ts";
import { readKeptShape } from "./shapes.ts";
import type { StepContext } from "./step.ts";
import { countersAtRest } from "./steps/restore.ts";
import { changeNames } from "./swap.ts";

/** An attempt that died amid it may have left the copy under the other name: to be called before anything asks for it by its own. */
export async function bringCopyHome({ promotion }: StepContext, maintenance: Session): Promise<void> {
  const { oid, name } = neededFact(promotion, "pristine");
  const found = await findDatabase(maintenance, { oid });
  if (found !== undefined && found.name !== name) await moveDatabase(maintenance, oid, name);
}

/**
 * Plays it between the copy and the database called `rehearsed`, which is afterwards called `aside`. Nobody may be connected to
 * either. Throws `RollbackDiffers` when it does not lead back.
 */
export async function rehearseRollback(
  context: StepContext,
  maintenance: Session,
  { rehearsed, aside }: { rehearsed: string; aside: string },
): Promise<RollbackReport> {
  const { promotion } = context;
  const production = neededFact(promotion, "production");
  const pristine = neededFact(promotion, "pristine");
  const standing = await findDatabase(maintenance, { name: rehearsed });
  if (standing === undefined) throw new RehearsalError("NotFound", { what: "database", name: rehearsed });
  const began = performance.now();
  await takeState(context, pristine.name);
  await carryDatabaseProperties(maintenance, production.oid, pristine.name);
  const swap = { standing: standing.oid, aside, waiting: pristine.oid, name: rehearsed };
  await changeNames(maintenance, swap, () => undefined);
  const swapped = performance.now() - began;
  context.passed("swapped");
  try {
    const copy = { oid: pristine.oid, name: rehearsed };
    const [own, carried] = await Promise.all(
      [production.oid, pristine.oid].map((oid) => readDatabaseProperties(maintenance, oid)),
    );
    // Production's own login would need no leave.
    await letOwnLoginIn(maintenance, rehearsed);
    const tables = await assertLedBack(context, rehearsed);
    const restored = await restoreMilliseconds(context);
    return {
      path: promotion.policy.rollback,
      milliseconds: swapped + restored,
      shapeEqual: true,
      settingsEqual: own === carried,
      tables,
      untouched: (await countersAtRest(context, maintenance, copy)) === pristine.counters,
    };
  } finally {
    await moveDatabase(maintenance, pristine.oid, pristine.name);
  }
}

/** That the copy may be told the state that production had; it is told only when it is meant. */
async function takeState(context: StepContext, database: string): Promise<void> {
  const session = await openSession(context.address, { application: context.application, database });
  try {
    await session.execute("begin");
    await writeState(session, context.promotion.stateBefore, null);
    await session.execute("rollback");
  } finally {
    await session.close();
  }
}

/** Asks as services would, by the name; returns how many tables hold what they held. */
async function assertLedBack(context: StepContext, database: string): Promise<number> {
  const { promotion, store, application } = context;
  const { baseline } = await readManifest(store, neededFact(promotion, "backup"));
  const promised = neededFact(promotion, "fingerprint");
  const session = await openSession(context.address, { application, database, readOnly: true });
  try {
    const shape = await readGuardedShape(session, promotion.policy);
    const held = await readBaseline(session, { onProgress: context.progress });
    const differences = [
      ...(fingerprint(shape) === promised
        ? []
        : diffShapes(await readKeptShape(store, promised), shape).map(describeDifference)),
      ...compareBaselines(baseline, held).map(describeBaselineDifference),
    ];
    if (differences.length > 0)
      throw new RehearsalError("RollbackDiffers", { differences: differences.slice(0, 5).join("; ") });
    return Object.keys(held.tables).length;
  } finally {
    await session.close();
  }
}

/** Where the policy lets no copy wait, a rollback restores one first: that took as long as it took the step before. */
async function restoreMilliseconds({ promotion, ledger }: StepContext): Promise<number> {
  if (promotion.policy.rollback === "swap") return 0;
  const { restoreSeconds } = await readBackup(ledger, neededFact(promotion, "backup").id);
  return (restoreSeconds ?? 0) * 1_000;
}
