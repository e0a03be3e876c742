/** Open: production is declared canonical, writers and services come back, the copies go, and the log is sealed. */
import { fingerprint, type Shape } from "../../core/shape.ts";
import { updateEnvironment } from "../../io/ledger/environments.ts";
import { dropScratch } from "../../io/postgres/databases.ts";
import { takeToken, writeState } from "../../io/postgres/target-schema.ts";
import { readExpectations } from "../expectations.ts";
import { noteExposure } from "../exposure.ts";
import { neededFact } from "../facts.ts";
import { letIn } from "../let-in.ts";
import { asNewest } from "../older-attempts.ts";
import { notStarted, startServices } from "../services.ts";
import { keepShape } from "../shapes.ts";
import { type StepContext, step } from "../step.ts";
import { leaveWorkspace, workspaceNotLeft } from "../workspace.ts";

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
  const shape = await verifiedShape(context);
  const session = await context.openProduction();
  try {
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
  const unwritten = await leaveWorkspace(context, "canonical");
  const error = failure ?? unwritten;
  return {
    outcome: { ended: "promoted", fingerprint: fingerprint(shape) },
    status: "promoted",
    ...(error && { error }),
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
        data: {
          release: promotion.release,
          before: neededFact(promotion, "fingerprint"),
          fingerprint: fingerprint(shape),
        },
      },
      ...notStarted(failure),
      ...workspaceNotLeft(unwritten),
      { type: "promotion.sealed" },
    ],
  };
});

/** What was rehearsed and verified is what is promised from now on: a change by hand since then is drift, not the promise. */
async function verifiedShape({ promotion, store }: StepContext): Promise<Shape> {
  const { runs } = await readExpectations(store, neededFact(promotion, "rehearsal"));
  const last = runs.at(-1);
  if (last === undefined) throw new Error(`promotion ${promotion.id} had files to run, and rehearsed none`);
  return last.shape;
}
