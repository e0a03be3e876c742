/** Admit: nothing begins unless the database is who it says, stands where the ledger left it, and something is pending. */
import { RehearsalError } from "../../core/errors.ts";
import { needsFence } from "../../core/fence.ts";
import { pendingMigrations } from "../../core/pending.ts";
import type { Project } from "../../core/project.ts";
import { changedRepeatables, type Repeatable } from "../../core/runs.ts";
import { describeDifference, diffShapes, fingerprint, type Shape } from "../../core/shape.ts";
import { updateEnvironment } from "../../io/ledger/environments.ts";
import { findDatabase } from "../../io/postgres/databases.ts";
import { assertRights } from "../../io/postgres/rights.ts";
import type { Session } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import {
  type AppliedFile,
  assertIdentity,
  readApplied,
  readIdentity,
  takeToken,
  writeState,
} from "../../io/postgres/target-schema.ts";
import { readRelease, runsOf } from "../release.ts";
import { readKeptShape } from "../shapes.ts";
import { type StepContext, step } from "../step.ts";

export const handler = step("admit", async (context) => {
  const { promotion, environment, attempt } = context;
  if (promotion.seed && environment.role === "prod")
    throw new RehearsalError("SeedsOnProd", { environment: environment.name });
  const project = await readRelease(context.store, promotion.release);
  const session = await context.openProduction();
  try {
    assertIdentity(await readIdentity(session), environment);
    await assertRights(session);
    const pending = pendingFiles(project, await readApplied(session), promotion.seed);
    const found = await refuseDrift(context, session);
    const production = await findDatabase(session, { name: session.address.database });
    if (production === undefined)
      throw new RehearsalError("NotFound", { what: "database", name: environment.name });
    if (pending.length > 0)
      await session.transaction(async () => {
        await takeToken(session, attempt);
        await writeState(session, "provisional", promotion.id);
      });
    const runs = runsOf(project, pending, promotion.seed);
    return {
      outcome: {
        pending: pending.length,
        fence: needsFence(promotion.policy, runs),
        approvalTimeout: promotion.policy.approvalTimeout,
      },
      facts: { production: { oid: production.oid, name: production.name }, pending, fingerprint: found },
      also: async (ledger) => {
        if (pending.length > 0) await updateEnvironment(ledger, environment.name, { state: "provisional" });
      },
    };
  } finally {
    await session.close();
  }
});

/** The paths that will run; throws when an applied file is not the one that was applied. */
function pendingFiles(project: Project, applied: readonly AppliedFile[], seed: boolean): string[] {
  const migrations = pendingMigrations(
    project.migrations,
    applied.flatMap(({ path, version, sha256 }) => (version === null ? [] : [{ path, version, sha256 }])),
  );
  const repeatables = [project.views, seed ? project.seeds : []].flatMap((files: readonly Repeatable[]) =>
    changedRepeatables(files, applied),
  );
  return [...migrations, ...repeatables].map((file) => file.path);
}

/** Throws `DriftFound` unless production has the shape the ledger promises; returns its fingerprint. */
async function refuseDrift({ store, environment }: StepContext, session: Session): Promise<string> {
  const shape: Shape = await readShape(session);
  const found = fingerprint(shape);
  if (found === environment.fingerprint) return found;
  const promised = await readKeptShape(store, environment.fingerprint);
  const differences = diffShapes(promised, shape).map(describeDifference);
  throw new RehearsalError("DriftFound", {
    environment: environment.name,
    differences:
      differences.slice(0, 5).join("; ") +
      (differences.length > 5 ? ` and ${differences.length - 5} more` : ""),
  });
}
