/** The database that is pruned: opened when it is first needed, and the policy's plan for the shape that it has now. */
import { parseDatabaseUrl } from "../../core/database-url.ts";
import { planRetention } from "../../core/prune/check.ts";
import type { PrunePlan } from "../../core/prune/plan.ts";
import type { Shape } from "../../core/shape.ts";
import type { Environment } from "../../io/ledger/environments.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { secrets } from "../clients.ts";
import type { KnownPolicy } from "../retention-policies.ts";

export interface Target {
  session(): Promise<Session>;
  /** Throws `RetentionRefused` where the policy does not fit. */
  plan(known: KnownPolicy): Promise<PrunePlan>;
  close(): Promise<void>;
}

/** Milliseconds that a statement may take: the turn that it has keeps promotions waiting. */
const STATEMENT = 240_000;

/** Milliseconds that a row is waited for which the application has. */
const LOCK = 10_000;

export async function openTarget(
  environment: Pick<Environment, "secret" | "policy">,
  application: string,
): Promise<Target> {
  let session: Promise<Session> | undefined;
  let shape: Promise<Shape> | undefined;
  const plans = new Map<string, PrunePlan>();
  const open = async () =>
    openSession(parseDatabaseUrl(await secrets.readSecret(environment.secret)), {
      application,
      patienceSeconds: environment.policy.patience,
      statementTimeout: STATEMENT,
      lockTimeout: LOCK,
    });
  const target: Target = {
    session: () => {
      session ??= open();
      return session;
    },
    plan: async ({ policy, inventory }) => {
      const standing = plans.get(policy.name);
      if (standing !== undefined) return standing;
      shape ??= target.session().then(readShape);
      const plan = planRetention(policy, inventory, await shape);
      plans.set(policy.name, plan);
      return plan;
    },
    close: async () => {
      const opened = await session?.catch(() => undefined);
      await opened?.close();
    },
  };
  return target;
}
