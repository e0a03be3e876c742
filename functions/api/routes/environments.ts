/** Environments: databases are registered, listed, shown, and given another policy. */
import { createRoute, z } from "@hono/zod-openapi";
import { parseDatabaseUrl } from "../../../core/database-url.ts";
import { policyForLog, policySchema } from "../../../core/policy.ts";
import { STATUSES } from "../../../core/steps.ts";
import { lastVerified } from "../../../io/ledger/backup-rows.ts";
import {
  type Environment,
  listEnvironments,
  readEnvironment,
  updatePolicy,
} from "../../../io/ledger/environments.ts";
import { appendEvent } from "../../../io/ledger/events.ts";
import { listPromotions } from "../../../io/ledger/promotions.ts";
import type { Session } from "../../../io/postgres/session.ts";
import { artifacts } from "../../clients.ts";
import { sendOutbox } from "../../outbox.ts";
import { assertPolicy, register } from "../../registration.ts";
import { environmentName, instant, jsonAnswer, jsonBody, refused } from "../answer.ts";
import { lastVerifiedSchema, shownLastVerified } from "../backup.ts";
import { api } from "../request.ts";

const role = z.enum(["dev", "prod"]);
const state = z.enum(["writeable", "provisional", "canonical"]);

const environmentSchema = z
  .object({
    name: environmentName,
    role,
    state,
    /** Without the password. */
    address: z.string(),
    policy: policySchema,
    fingerprint: z.string(),
    release: z.string().nullable(),
    promotion: z.object({ id: z.string(), status: z.enum(STATUSES), createdAt: instant }).nullable(),
    lastVerifiedBackup: lastVerifiedSchema.nullable(),
  })
  .openapi("Environment");

const create = createRoute({
  method: "post",
  path: "/environments",
  summary: "Register a database as an environment",
  request: jsonBody(
    z.strictObject({
      name: environmentName,
      role,
      url: z.string().min(1).max(2000),
      policy: policySchema.optional(),
      state: state.exclude(["provisional"]).default("writeable"),
    }),
  ),
  responses: { 201: jsonAnswer(environmentSchema, "The environment"), ...refused },
});

const list = createRoute({
  method: "get",
  path: "/environments",
  summary: "All environments",
  responses: {
    200: jsonAnswer(z.object({ environments: z.array(environmentSchema) }), "By name"),
    ...refused,
  },
});

const params = z.object({ name: environmentName });

const show = createRoute({
  method: "get",
  path: "/environments/{name}",
  summary: "One environment, with its newest promotion",
  request: { params },
  responses: { 200: jsonAnswer(environmentSchema, "The environment"), ...refused },
});

const change = createRoute({
  method: "patch",
  path: "/environments/{name}",
  summary: "Replace the policy; promotions under way keep theirs",
  request: { params, ...jsonBody(z.strictObject({ policy: policySchema })) },
  responses: { 200: jsonAnswer(environmentSchema, "The environment"), ...refused },
});

export const environmentRoutes = api()
  .openapi(create, async (c) => {
    const { name, role, url, policy, state } = c.req.valid("json");
    const address = parseDatabaseUrl(url);
    const ledger = await c.var.ledger();
    const { person } = c.var;
    const environment = await register(ledger, artifacts(), {
      name,
      role,
      state,
      address,
      policy: policy ?? policySchema.parse(undefined),
      person,
    });
    await sendOutbox(ledger);
    return c.json(await shown(ledger, environment), 201);
  })
  .openapi(list, async (c) => {
    const ledger = await c.var.ledger();
    const environments = [];
    for (const environment of await listEnvironments(ledger))
      environments.push(await shown(ledger, environment));
    return c.json({ environments }, 200);
  })
  .openapi(show, async (c) => {
    const ledger = await c.var.ledger();
    const environment = await readEnvironment(ledger, c.req.valid("param").name);
    return c.json(await shown(ledger, environment), 200);
  })
  .openapi(change, async (c) => {
    const { name } = c.req.valid("param");
    const { policy } = c.req.valid("json");
    await assertPolicy(policy);
    const ledger = await c.var.ledger();
    await ledger.transaction(async () => {
      const before = await readEnvironment(ledger, name);
      await updatePolicy(ledger, name, policy);
      await appendEvent(ledger, {
        type: "environment.policy-changed",
        environment: name,
        data: { before: policyForLog(before.policy), after: policyForLog(policy), by: c.var.person },
      });
    });
    await sendOutbox(ledger);
    return c.json(await shown(ledger, await readEnvironment(ledger, name)), 200);
  });

async function shown(ledger: Session, environment: Environment) {
  const { name, role, state, address, policy, fingerprint, release } = environment;
  const [newest] = await listPromotions(ledger, { environment: name, limit: 1 });
  const promotion =
    newest === undefined
      ? null
      : { id: newest.id, status: newest.status, createdAt: newest.createdAt.toISOString() };
  const lastVerifiedBackup = shownLastVerified(await lastVerified(ledger, name));
  return { name, role, state, address, policy, fingerprint, release, promotion, lastVerifiedBackup };
}
