/** Fence: services stop, the database turns every session away, and the copy is brought up to this very instant. */
import { type Baseline, compareBaselines, describeBaselineDifference } from "../../core/baseline.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Expectations } from "../../core/expectations.ts";
import { databaseName } from "../../core/names.ts";
import { fingerprint } from "../../core/shape.ts";
import { callHook } from "../../io/hooks.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { moveDatabase } from "../../io/postgres/databases.ts";
import { refreshCopy } from "../../io/postgres/refresh.ts";
import { openSession } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { readArtifact, writeArtifact } from "../artifacts.ts";
import { readManifest } from "../backups.ts";
import { neededFact } from "../facts.ts";
import { asNewest, endOlderAttempts } from "../older-attempts.ts";
import { type StepContext, step } from "../step.ts";

/** What production held when the last writer was gone. */
export interface FencedContent {
  format: "rehearsal-fenced/1";
  baseline: Baseline;
  /** The same, of the columns that the migration keeps. */
  kept: Baseline;
}

export const handler = step("fence", async (context) => {
  const { promotion, environment } = context;
  const production = neededFact(promotion, "production");
  await callHook("stop", promotion.policy.hooks.stop, {
    promotion: promotion.id,
    environment: environment.name,
    release: promotion.release,
  });
  context.passed("stopped");
  const name = databaseName(production.name, "fenced", promotion.id);
  const maintenance = await context.openMaintenance();
  try {
    await endOlderAttempts(context, maintenance);
    // Under another name nobody finds it, however often they ask; ours do, by its object identifier.
    await asNewest(context, () => moveDatabase(maintenance, production.oid, name));
  } finally {
    await maintenance.close();
  }
  context.passed("closed");
  const expectations = await readArtifact<Expectations>(
    context.store,
    neededFact(promotion, "rehearsal").expectationsKey,
    "rehearsal-expectations/1",
  );
  const content = await readFenced(context, expectations);
  const refreshed = await bringUp(context, content.baseline);
  const { key } = await writeArtifact(context.store, `${context.prefix}fenced.json`, content);
  return {
    // Their number only: the names of ten thousand tables are more than a state may hand on.
    outcome: { database: name, refreshed: refreshed.length },
    facts: { fenced: { baselineKey: key } },
  };
});

async function readFenced(context: StepContext, expectations: Expectations): Promise<FencedContent> {
  const session = await context.openProduction({ readOnly: true });
  try {
    const found = fingerprint(await readShape(session));
    if (found !== context.promotion.facts.fingerprint)
      throw new RehearsalError("DriftFound", {
        environment: context.environment.name,
        differences: "it changed since the rehearsal",
      });
    const { kept } = expectations;
    return {
      format: "rehearsal-fenced/1",
      baseline: await readBaseline(session, { onProgress: context.progress }),
      kept: await readBaseline(session, {
        columns: kept,
        tables: Object.keys(kept),
        onProgress: context.progress,
      }),
    };
  } finally {
    await session.close();
  }
}

/** Brings the pristine copy up to production; throws unless it then holds exactly the same. */
async function bringUp(context: StepContext, now: Baseline): Promise<string[]> {
  const { promotion, application } = context;
  const pristine = { ...context.address, database: neededFact(promotion, "pristine").name };
  const source = {
    ...context.address,
    database: databaseName(neededFact(promotion, "production").name, "fenced", promotion.id),
  };
  const manifest = await readManifest(context.store, neededFact(promotion, "backup"));
  let before = manifest.baseline;
  let refreshed: string[] = [];
  const copy = await openSession(pristine, { application });
  try {
    // A retried fence finds a copy that was brought up already: what the copy holds is asked, not remembered.
    if (promotion.facts.fenced || context.attempt.attempt > 1) before = await readBaseline(copy);
    if (compareBaselines(now, before).length > 0) {
      refreshed = await refreshCopy({
        source,
        target: pristine,
        application,
        before,
        now,
        onProgress: context.progress,
      });
      context.passed("refreshed");
      const differences = compareBaselines(now, await readBaseline(copy, { onProgress: context.progress }));
      if (differences.length > 0)
        throw new RehearsalError("CopyDiffers", {
          differences: differences.slice(0, 5).map(describeBaselineDifference).join("; "),
        });
    }
    return refreshed;
  } finally {
    await copy.close();
  }
}
