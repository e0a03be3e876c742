/** Verify: production is asked again from outside, and the services get to say whether they work, while a way back is open. */
import { type Baseline, compareBaselines, describeBaselineDifference } from "../../core/baseline.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Expectations } from "../../core/expectations.ts";
import { quoteName } from "../../core/names.ts";
import { describeDifference, diffShapes, fingerprint } from "../../core/shape.ts";
import { callHook } from "../../io/hooks.ts";
import { findUntouched } from "../../io/postgres/base.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { findBrokenChecks, refuseBroken } from "../../io/postgres/checks.ts";
import { findDatabase, moveDatabase, setReadOnly } from "../../io/postgres/databases.ts";
import type { Session } from "../../io/postgres/session.ts";
import { readArtifact } from "../artifacts.ts";
import { readManifest } from "../backups.ts";
import { readExpectations } from "../expectations.ts";
import { noteExposure } from "../exposure.ts";
import { neededFact } from "../facts.ts";
import { readGuardedShape } from "../guarded-shape.ts";
import { asNewest } from "../older-attempts.ts";
import { readRelease } from "../release.ts";
import { type StepContext, step } from "../step.ts";
import type { FencedContent } from "./fence.ts";

export const handler = step("verify", async (context) => {
  const { promotion } = context;
  if (promotion.asked === "roll-back")
    throw new RehearsalError("RollbackAsked", { by: promotion.askedBy ?? "somebody" });
  const session = await context.openProduction();
  let compared = 0;
  try {
    await assertShapeAndChecks(context, session);
    compared = await assertKeptContent(context, session);
  } finally {
    await session.close();
  }
  context.passed("compared");
  const smoke = await trySmoke(context);
  return { outcome: { tablesCompared: compared, smoke } };
});

async function assertShapeAndChecks(context: StepContext, session: Session): Promise<void> {
  const { promotion } = context;
  const expectations = await expectationsOf(context);
  const last = expectations.runs.at(-1);
  const shape = await readGuardedShape(session, promotion.policy);
  if (last !== undefined && fingerprint(shape) !== last.fingerprint)
    throw new RehearsalError("ShapeUnexpected", {
      where: "the migration",
      differences: diffShapes(last.shape, shape).map(describeDifference).slice(0, 5).join("; "),
    });
  const project = await readRelease(context.store, promotion.release);
  const searchPath = promotion.policy.searchPath.map(quoteName).join(", ");
  refuseBroken(
    await session.transaction(() => findBrokenChecks(session, project.checks, searchPath), "begin read only"),
  );
}

function expectationsOf(context: StepContext): Promise<Expectations> {
  return readExpectations(context.store, neededFact(context.promotion, "rehearsal"));
}

/**
 * Behind the fence nobody has written since, so the kept columns of tables that the rehearsal left alone must hold to
 * the last bit what they held. Of most the row versions tell that nobody touched them; the others are read. Without a
 * fence writers go on, and the migration's own transaction has proved that it wrote to no other table. Returns the
 * number of tables compared.
 */
async function assertKeptContent(context: StepContext, session: Session): Promise<number> {
  const { fenced, exposed } = context.promotion.facts;
  if (fenced === undefined || exposed !== undefined) return 0;
  const { kept, unchanged } = await expectationsOf(context);
  const before = await readArtifact<FencedContent>(context.store, fenced.contentKey, "rehearsal-fenced/2");
  const untouched = await findUntouched(session, await readManifest(context.store, fenced.backup));
  const doubtful = unchanged.filter((name) => !untouched.has(name));
  const now = await readBaseline(session, { columns: kept, tables: doubtful, onProgress: context.progress });
  const differences = compareBaselines(only(before.kept, doubtful), only(now, doubtful));
  if (differences.length > 0)
    throw new RehearsalError("KeptDataChanged", {
      differences: differences.slice(0, 5).map(describeBaselineDifference).join("; "),
    });
  return unchanged.length;
}

/** The named tables alone: sequences move, new tables and large objects come, and none of it is a loss. */
function only(baseline: Baseline, names: readonly string[]): Baseline {
  const wanted = new Set(names);
  return {
    ...baseline,
    tables: Object.fromEntries(Object.entries(baseline.tables).filter(([name]) => wanted.has(name))),
    sequences: {},
    largeObjects: { count: 0, checksum: "0" },
  };
}

/** Lets the services in to read, asks them, and remembers how many rows had been written until then. */
async function trySmoke(context: StepContext): Promise<"answered" | "none"> {
  const { promotion, environment } = context;
  const { hooks } = promotion.policy;
  if (hooks.smoke === undefined) return "none";
  const about = { promotion: promotion.id, environment: environment.name, release: promotion.release };
  if (promotion.facts.fenced !== undefined) {
    const production = neededFact(promotion, "production");
    const maintenance = await context.openMaintenance();
    try {
      await noteExposure(context, maintenance);
      await asNewest(context, async () => {
        const found = await findDatabase(maintenance, { oid: production.oid });
        await setReadOnly(maintenance, found?.name ?? production.name, true);
        await moveDatabase(maintenance, production.oid, production.name);
      });
    } finally {
      await maintenance.close();
    }
    context.passed("exposed");
    await callHook("start", hooks.start, about);
  }
  await callHook("smoke", hooks.smoke, about);
  return "answered";
}
