/** Snapshot: what production is and holds before anything is done to it. */
import { totalRows } from "../../core/baseline.ts";
import { RehearsalError } from "../../core/errors.ts";
import { fingerprint } from "../../core/shape.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { writeArtifact } from "../artifacts.ts";
import { readGuardedShape } from "../guarded-shape.ts";
import { keepShape } from "../shapes.ts";
import { step } from "../step.ts";

export const handler = step("snapshot", async (context) => {
  const session = await context.openProduction({ readOnly: true });
  try {
    const { shape, baseline } = await session.transaction(
      async () => ({
        shape: await readGuardedShape(session, context.promotion.policy),
        baseline: await readBaseline(session, { onProgress: context.progress }),
      }),
      "begin isolation level repeatable read, read only",
    );
    const found = fingerprint(shape);
    if (found !== context.promotion.facts.fingerprint)
      throw new RehearsalError("DriftFound", {
        environment: context.environment.name,
        differences: "it changed since admission",
      });
    await keepShape(context.store, shape);
    const { key } = await writeArtifact(context.store, `${context.prefix}snapshot.json`, {
      format: "rehearsal-snapshot/1",
      fingerprint: found,
      shape,
      baseline,
    });
    return {
      outcome: {
        fingerprint: found,
        tables: Object.keys(baseline.tables).length,
        rows: totalRows(baseline),
        key,
      },
    };
  } finally {
    await session.close();
  }
});
