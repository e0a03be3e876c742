/** Environments: databases are registered, listed, shown, and given another policy. */
import { createRoute, z } from "@hono/zod-openapi";
import { EVERYWHERE, may } from "../../../core/access.ts";
import {
  changesElsewhere,
  type Policy,
  policyFor,
  policyForLog,
  policySchema,
} from "../../../core/policy.ts";
import { STATUSES } from "../../../core/steps.ts";
import { lastVerified } from "../../../io/ledger/backup-rows.ts";
import {
  type Environment,
  listEnvironments,
  lockEnvironment,
  readEnvironment,
  updatePolicy,
} from "../../../io/ledger/environments.ts";
import { appendEvent } from "../../../io/ledger/events.ts";
import { listPromotions } from "../../../io/ledger/promotions.ts";
import { askLook } from "../../ask-look.ts";
import { A_PERSON_WAITS, trySending } from "../../outbox.ts";
import { access } from "../access.ts";
import { environmentName, instant, jsonAnswer, jsonBody, refused } from "../answer.ts";
import { lastVerifiedSchema, shownLastVerified } from "../backup.ts";
import { etagOf, ifMatch, isSeen, matchHeader, seenHeader, tagged, unchanged } from "../etag.ts";
import { next, pagesOf } from "../paging.ts";
import { refusals } from "../refusals.ts";
import { type ApiContext, allow, api } from "../request.ts";

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

const pages = pagesOf("environments", environmentName);

const databaseUrl = z.string().min(1).max(2000);

const copiesRefusals = ["RoleRefused", "CopiesElsewhere"] as const;

const create = createRoute({
  method: "post",
  path: "/environments",
  operationId: "registerEnvironment",
  ...access("administer", "service"),
  tags: ["Environments"],
  summary: "Register a database as an environment",
  request: jsonBody(
    z.strictObject({
      name: environmentName,
      role,
      url: databaseUrl,
      /** Another login of the same server, by which copies are made; left out, the same one makes them. */
      copiesUrl: databaseUrl.optional(),
      policy: policySchema.optional(),
      state: state.exclude(["provisional"]).default("writeable"),
    }),
  ),
  responses: {
    201: jsonAnswer(environmentSchema, "The environment"),
    ...refusals(
      "EnvironmentExists",
      "IdentityMismatch",
      "PoolerFound",
      "PermissionMissing",
      "ServerTooNew",
      "PgDumpUnfit",
      "DatabaseUnreachable",
      "CertificateRefused",
      "EncryptionMissing",
      "AuthenticationWeak",
      "StorageUnversioned",
      "StorageUnfit",
      "ConfigurationUnreadable",
      ...copiesRefusals,
    ),
  },
});

const list = createRoute({
  method: "get",
  path: "/environments",
  operationId: "listEnvironments",
  ...access("read", "somewhere"),
  tags: ["Environments"],
  summary: "All environments, by name",
  request: { query: z.object(pages.query) },
  responses: {
    200: jsonAnswer(z.object({ environments: z.array(environmentSchema), next }), "By name"),
    ...refused,
  },
});

const params = z.object({ name: environmentName });

const show = createRoute({
  method: "get",
  path: "/environments/{name}",
  operationId: "showEnvironment",
  ...access("read", "environment"),
  tags: ["Environments"],
  summary: "One environment, with its newest promotion, rehearsals alone left out",
  request: { headers: seenHeader, params },
  responses: {
    200: { ...jsonAnswer(environmentSchema, "The environment"), ...tagged },
    ...unchanged,
    ...refused,
  },
});

const change = createRoute({
  method: "patch",
  path: "/environments/{name}",
  operationId: "changePolicy",
  ...access("administer", "environment"),
  tags: ["Environments"],
  summary: "Replace the policy; promotions under way keep theirs",
  request: { headers: matchHeader, params, ...jsonBody(z.strictObject({ policy: policySchema })) },
  responses: {
    200: { ...jsonAnswer(environmentSchema, "The environment"), ...tagged },
    ...refusals("PreconditionFailed", "StorageUnversioned", "StorageUnfit", "ConfigurationUnreadable"),
  },
});

const copies = createRoute({
  method: "put",
  path: "/environments/{name}/copies",
  operationId: "changeCopiesCredentials",
  // Who names an address has the service go there, and show what it is there: as at the registration.
  ...access("administer", "service"),
  tags: ["Environments"],
  summary: "Give an environment's copies a login of their own, or production's again",
  request: {
    params,
    ...jsonBody(
      z.strictObject({
        /** Of the same server; left out, the environment's own makes the copies. */
        url: databaseUrl.optional(),
      }),
    ),
  },
  responses: {
    200: jsonAnswer(
      z.object({ copiesAs: z.string() }).openapi("CopiesCredentials"),
      "The login by which copies are made from now on",
    ),
    ...refusals("NotFound", "DatabaseUnreachable", ...copiesRefusals),
  },
});

export const environmentRoutes = api()
  .openapi(create, async (c) => {
    const { policy = policySchema.parse(undefined), ...wanted } = c.req.valid("json");
    const environment = await askLook("registration", { ...wanted, policy, person: c.var.person });
    await trySending(await c.var.ledger(), A_PERSON_WAITS);
    return c.json(await shown(c, environment), 201);
  })
  .openapi(list, async (c) => {
    const ledger = await c.var.ledger();
    const { cursor = "", limit } = c.req.valid("query");
    const behind = (await listEnvironments(ledger)).filter(
      ({ name }) => name > cursor && may(c.var.actor, "read", name),
    );
    const { entries, next } = pages.cut(behind, limit, ({ name }) => name);
    const environments = [];
    for (const environment of entries) environments.push(await shown(c, environment));
    return c.json({ environments, next }, 200);
  })
  .openapi(show, async (c) => {
    const ledger = await c.var.ledger();
    const { name } = c.req.valid("param");
    if (isSeen(c, await etagOf(ledger, "environment", name))) return c.body(null, 304);
    return c.json(await shown(c, await readEnvironment(ledger, name)), 200);
  })
  .openapi(change, async (c) => {
    const { name } = c.req.valid("param");
    const { policy } = c.req.valid("json");
    const ledger = await c.var.ledger();
    allowChange(c, (await readEnvironment(ledger, name)).policy, policy);
    await askLook("policy", { policy });
    const assertSeen = ifMatch(c, ledger, "environment", name);
    await ledger.transaction(async () => {
      await lockEnvironment(ledger, name);
      await assertSeen();
      const before = await readEnvironment(ledger, name);
      // Once more, of what stands now that nobody else changes it.
      allowChange(c, before.policy, policy);
      await updatePolicy(ledger, name, policy);
      await appendEvent(ledger, {
        type: "environment.policy-changed",
        environment: name,
        data: { before: policyForLog(before.policy), after: policyForLog(policy), by: c.var.person },
      });
    });
    await trySending(ledger, A_PERSON_WAITS);
    return c.json(await shown(c, await readEnvironment(ledger, name)), 200);
  })
  .openapi(copies, async (c) => {
    const { name } = c.req.valid("param");
    const { url } = c.req.valid("json");
    const kept = await askLook("copies", { environment: name, person: c.var.person, ...(url && { url }) });
    await trySending(await c.var.ledger(), A_PERSON_WAITS);
    return c.json(kept, 200);
  });

/** An environment's admin keeps its policy, but for what it names that belongs to others, which is an admin's of everything. */
function allowChange(c: ApiContext, before: Policy, after: Policy): void {
  if (changesElsewhere(before, after)) allow(c, "administer", EVERYWHERE);
}

async function shown(c: ApiContext, environment: Environment) {
  const ledger = await c.var.ledger();
  const { name, role, state, address, fingerprint, release } = environment;
  const policy = policyFor(c.var.actor, environment);
  const [newest] = await listPromotions(ledger, { environment: name, limit: 1, promoting: true });
  const promotion =
    newest === undefined
      ? null
      : { id: newest.id, status: newest.status, createdAt: newest.createdAt.toISOString() };
  const lastVerifiedBackup = shownLastVerified(await lastVerified(ledger, name));
  return { name, role, state, address, policy, fingerprint, release, promotion, lastVerifiedBackup };
}
