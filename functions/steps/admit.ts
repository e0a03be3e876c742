/** Admit: nothing begins unless the database is who it says, stands where the ledger left it, and something is pending. */
import { briefOf } from "../../core/data-plan.ts";
import { RehearsalError } from "../../core/errors.ts";
import { needsFence } from "../../core/fence.ts";
import { worstFirst } from "../../core/report-lint.ts";
import { updateEnvironment } from "../../io/ledger/environments.ts";
import { findDatabase } from "../../io/postgres/databases.ts";
import { takeToken, writeState } from "../../io/postgres/target-schema.ts";
import { examine } from "../admission.ts";
import { clearRehearsals } from "../giving-way.ts";
import { capturedByHand } from "../inventory.ts";
import { asNewest } from "../older-attempts.ts";
import { readRelease } from "../release.ts";
import { refuseSeedsOnProd } from "../seeds.ts";
import { step } from "../step.ts";
import { enterWorkspace } from "../workspace.ts";

/** More findings than these nobody reads, and each later step reads them all. */
const TOLD = 500;

export const handler = step("admit", async (context) => {
  const { promotion, environment, attempt, store } = context;
  refuseSeedsOnProd(environment, promotion.seed);
  const { rehearseOnly } = promotion;
  if (!rehearseOnly) await clearRehearsals(context);
  const project = await readRelease(store, promotion.release);
  const session = await context.openProduction({ readOnly: rehearseOnly });
  try {
    // The policy the promotion began with, should the environment have got another since.
    const candidate = {
      environment: { ...environment, policy: promotion.policy },
      project,
      seed: promotion.seed,
    };
    const { pending, runs, fingerprint, coverage, findings, storageAreas, unguarded } = await examine(
      session,
      store,
      candidate,
    );
    const production = await findDatabase(session, { name: session.address.database });
    if (production === undefined)
      throw new RehearsalError("NotFound", { what: "database", name: environment.name });
    let workspace: string | undefined;
    // A rehearsal alone leaves no mark on what it does not touch.
    const marked = pending.length > 0 && !rehearseOnly;
    if (marked)
      await asNewest(context, async () => {
        workspace = await enterWorkspace(context, project.inventory);
        await session.transaction(async () => {
          await takeToken(session, attempt);
          await writeState(session, "provisional", promotion.id);
        });
      });
    return {
      outcome: {
        pending: pending.length,
        rehearseOnly,
        fence: needsFence(promotion.policy, runs),
        approvalTimeout: promotion.policy.approvalTimeout,
        ...(promotion.policy.compute === "fargate" && {
          containerSeconds: promotion.policy.containerHours * 3_600,
        }),
        ...(promotion.policy.backup.functions > 1 && {
          backupWorkers: promotion.policy.backup.functions - 1,
        }),
        ...(unguarded.length > 0 && { unguarded }),
        ...(coverage.unplanned.length > 0 && { unplanned: coverage.unplanned.length }),
      },
      facts: {
        production: { oid: production.oid, name: production.name },
        pending,
        fingerprint,
        ...(coverage.plans.length > 0 && { plans: coverage.plans.map(briefOf) }),
        ...(findings.length > 0 && { findings: worstFirst(findings).slice(0, TOLD) }),
        ...(storageAreas.length > 0 && { storageAreas }),
        ...(workspace !== undefined && { workspace }),
      },
      events: pending.length > 0 ? capturedByHand(project) : [],
      also: async (ledger) => {
        if (marked) await updateEnvironment(ledger, environment.name, { state: "provisional" });
      },
    };
  } finally {
    await session.close();
  }
});
