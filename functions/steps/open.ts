/** Open: production is declared canonical, writers and services come back, the copies go, and the log is sealed. */
import { fingerprint } from "../../core/shape.ts";
import { updateEnvironment } from "../../io/ledger/environments.ts";
import { dropScratch } from "../../io/postgres/databases.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { takeToken, writeState } from "../../io/postgres/target-schema.ts";
import { noteExposure } from "../exposure.ts";
import { neededFact } from "../facts.ts";
import { letIn } from "../let-in.ts";
import { asNewest } from "../older-attempts.ts";
import { notStarted, startServices } from "../services.ts";
import { keepShape } from "../shapes.ts";
import { step } from "../step.ts";

export const handler = step("open", async (context) => {
  const { promotion, environment, attempt } = context;
  if (neededFact(promotion, "pending").length === 0)
    return {
      outcome: { ended: "nothing-to-do" },
      status: "nothing-to-do",
      also: (ledger) =>
        updateEnvironment(ledger, environment.name, { state: environment.state, release: promotion.release }),
      events: [{ type: "promotion.nothing-to-do", announce: true }],
    };
  const session = await context.openProduction();
  let shape: Awaited<ReturnType<typeof readShape>>;
  try {
    shape = await readShape(session);
    await session.transaction(async () => {
      await takeToken(session, attempt);
      await writeState(session, "canonical", null);
    });
  } finally {
    await session.close();
  }
  await keepShape(context.store, shape);
  const maintenance = await context.openMaintenance();
  try {
    await noteExposure(context, maintenance);
    await asNewest(context, async () => {
      await letIn(maintenance, neededFact(promotion, "production"));
      context.passed("opened");
      await dropScratch(maintenance, promotion.id, []);
    });
  } finally {
    await maintenance.close();
  }
  // Verify has called it already when it let the services in to be asked.
  const asked = promotion.policy.hooks.smoke !== undefined;
  const failure = promotion.facts.fenced !== undefined && !asked ? await startServices(context) : undefined;
  return {
    outcome: { ended: "promoted", fingerprint: fingerprint(shape) },
    status: "promoted",
    ...(failure && { error: failure }),
    also: (ledger) =>
      updateEnvironment(ledger, environment.name, {
        state: "canonical",
        fingerprint: fingerprint(shape),
        release: promotion.release,
      }),
    events: [
      {
        type: "promotion.succeeded",
        announce: true,
        data: { release: promotion.release, fingerprint: fingerprint(shape) },
      },
      ...notStarted(failure),
      { type: "promotion.sealed" },
    ],
  };
});
