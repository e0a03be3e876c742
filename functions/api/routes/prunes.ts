/** Prunes: what would go is told, what may go is deleted, what went is brought back; each by a run that starts here. */
import { createRoute, z } from "@hono/zod-openapi";
import { RehearsalError } from "../../../core/errors.ts";
import { readEnvironment } from "../../../io/ledger/environments.ts";
import { listRecords } from "../../../io/ledger/prune-records.ts";
import { listPrunes, readPrune } from "../../../io/ledger/prunes.ts";
import { artifacts } from "../../clients.ts";
import { startPrune, startPruneRestore } from "../../prune-start.ts";
import { keptIn, readPruneSoFar } from "../../prunes.ts";
import { listPolicies } from "../../retention-policies.ts";
import { startPruneTest } from "../../task-start.ts";
import { access, readable } from "../access.ts";
import { backupId, environmentName, jsonAnswer, jsonBody, keyHeader, refused } from "../answer.ts";
import { next, pageOf, pagesOf } from "../paging.ts";
import {
  policyName,
  policySchema,
  pruneId,
  pruneParam,
  pruneRecordSchema,
  pruneSchema,
  RECORD_STATUSES,
  recordKey,
  shownPolicy,
  shownPrune,
  shownRecord,
} from "../prune.ts";
import { refusals } from "../refusals.ts";
import { type ApiContext, api } from "../request.ts";
import { answerStarted, askerOf, startedAnswers } from "../task.ts";

/** How long the address of a report may be used. */
const ADDRESS_SECONDS = 300;

/** A function's answer may have 6 MB, as JSON text in which quotes and line feeds count twice. */
const STREAMED_BYTES = 4 * 1024 * 1024;

/** Records that one request may name. */
const NAMED = 1_000;

const pages = pagesOf("prunes", pruneId);
const recordPages = pagesOf("records", recordKey);
const policyPages = pagesOf("policies", policyName);

const environmentParam = z.object({ name: environmentName });

const started = {
  200: jsonAnswer(pruneSchema, "It was started by an earlier request with the same key"),
  202: jsonAnswer(pruneSchema, "It is started"),
};

const create = createRoute({
  method: "post",
  path: "/environments/{name}/prunes",
  operationId: "startPrune",
  ...access("promote", "environment"),
  tags: ["Prunes"],
  summary: "Tell what a policy would have go of archived records; or, with mode prune, have it go",
  description:
    "Without `records` the backlog is taken: every archived record whose grace is over. `report` reads and deletes nothing. `prune` deletes what was told only of a policy that was tested on a copy, and where the role is prod with the environment's name as confirmation.",
  request: {
    headers: keyHeader,
    params: environmentParam,
    ...jsonBody(
      z
        .strictObject({
          policy: policyName,
          mode: z.enum(["report", "prune"]).default("report"),
          records: z.array(recordKey).min(1).max(NAMED).optional(),
          /** Of the backlog, at most so many. */
          limit: z.int().min(1).max(1_000_000).optional(),
          confirm: environmentName.optional(),
        })
        .refine(({ records, limit }) => records === undefined || limit === undefined, {
          message: "a limit is one of the backlog; leave out records or limit",
        }),
    ),
  },
  responses: {
    ...started,
    ...refusals(
      "NotFound",
      "IdempotencyKeyReused",
      "PolicyUnknown",
      "PolicyUntested",
      "PruneUnconfirmed",
      "PruneUnderWay",
    ),
  },
});

const restore = createRoute({
  method: "post",
  path: "/prunes/{id}/restore",
  operationId: "restorePrune",
  ...access("promote", "prune"),
  tags: ["Prunes"],
  summary: "Bring back what a prune deleted, bit for bit, of all its records or of those named",
  request: {
    headers: keyHeader,
    params: pruneParam,
    ...jsonBody(
      z.strictObject({
        records: z.array(recordKey).min(1).max(NAMED).optional(),
        confirm: environmentName.optional(),
      }),
    ),
  },
  responses: {
    ...started,
    ...refusals("NotFound", "IdempotencyKeyReused", "PruneUnconfirmed", "NothingToRestore", "PruneUnderWay"),
  },
});

const test = createRoute({
  method: "post",
  path: "/environments/{name}/prune-tests",
  operationId: "startPruneTest",
  ...access("promote", "environment"),
  tags: ["Prunes"],
  summary:
    "Put a policy to a restored copy: prune, compare, bring back, compare again; the task's file is prune-test.json",
  request: {
    headers: keyHeader,
    params: environmentParam,
    ...jsonBody(
      z.strictObject({
        policy: policyName,
        backup: backupId.or(z.literal("latest")).default("latest"),
        /** At most so many records of the backlog; all when left out. */
        records: z.int().min(1).max(1_000_000).optional(),
      }),
    ),
  },
  responses: startedAnswers("NotFound", "PolicyUnknown", "BackupUnusable"),
});

const policies = createRoute({
  method: "get",
  path: "/environments/{name}/policies",
  operationId: "listPolicies",
  ...access("read", "environment"),
  tags: ["Prunes"],
  summary: "The retention policies of the release that was promoted last, each with its newest test",
  request: { params: environmentParam, query: z.object(policyPages.query) },
  responses: {
    200: jsonAnswer(z.object({ policies: z.array(policySchema), next }), "By name"),
    ...refused,
  },
});

const list = createRoute({
  method: "get",
  path: "/prunes",
  operationId: "listPrunes",
  ...access("read", "somewhere"),
  tags: ["Prunes"],
  summary: "The newest prunes first",
  request: {
    query: z.object({
      environment: environmentName.optional(),
      policy: policyName.optional(),
      /** Those in which this record was. */
      record: recordKey.optional(),
      ...pages.query,
    }),
  },
  responses: { 200: jsonAnswer(z.object({ prunes: z.array(pruneSchema), next }), "Prunes"), ...refused },
});

const show = createRoute({
  method: "get",
  path: "/prunes/{id}",
  operationId: "showPrune",
  ...access("read", "prune"),
  tags: ["Prunes"],
  summary: "One prune: how far it is, or what it came to",
  request: { params: pruneParam },
  responses: { 200: jsonAnswer(pruneSchema, "The prune"), ...refused },
});

const records = createRoute({
  method: "get",
  path: "/prunes/{id}/records",
  operationId: "listPruneRecords",
  ...access("read", "prune"),
  tags: ["Prunes"],
  summary: "The records of a prune: what would go or went of each, what stayed, and why one was left",
  request: {
    params: pruneParam,
    query: z.object({ status: z.enum(RECORD_STATUSES).optional(), ...recordPages.query }),
  },
  responses: {
    200: jsonAnswer(z.object({ records: z.array(pruneRecordSchema), next }), "By their names"),
    ...refused,
  },
});

const report = createRoute({
  method: "get",
  path: "/prunes/{id}/report",
  operationId: "showPruneReport",
  ...access("read", "prune"),
  tags: ["Prunes"],
  summary: "The report of a prune that has ended: every row and object that goes, and why others stay",
  request: { params: pruneParam },
  responses: {
    200: { description: "The report", content: { "application/json": { schema: z.unknown() } } },
    302: { description: "A report too large for an answer: its address" },
    ...refused,
  },
});

export const pruneRoutes = api()
  .openapi(create, async (c) => {
    const { records, limit, confirm, ...wanted } = c.req.valid("json");
    const request = {
      ...{ environment: c.req.valid("param").name, ...wanted },
      ...(records !== undefined && { records }),
      ...(limit !== undefined && { limit }),
      ...(confirm !== undefined && { confirm }),
    };
    const ledger = await c.var.ledger();
    return answer(c, await startPrune(ledger, request, askerOf(c, c.req.valid("header"))));
  })
  .openapi(restore, async (c) => {
    const { records, confirm } = c.req.valid("json");
    const request = {
      prune: c.req.valid("param").id,
      ...(records !== undefined && { records }),
      ...(confirm !== undefined && { confirm }),
    };
    const ledger = await c.var.ledger();
    return answer(c, await startPruneRestore(ledger, request, askerOf(c, c.req.valid("header"))));
  })
  .openapi(test, async (c) => {
    const { policy, backup, records } = c.req.valid("json");
    const environment = c.req.valid("param").name;
    const request = { environment, policy, backup, ...(records !== undefined && { records }) };
    const ledger = await c.var.ledger();
    return answerStarted(c, await startPruneTest(ledger, request, askerOf(c, c.req.valid("header"))));
  })
  .openapi(policies, async (c) => {
    const ledger = await c.var.ledger();
    const environment = await readEnvironment(ledger, c.req.valid("param").name);
    const { cursor, limit } = c.req.valid("query");
    const all = await listPolicies(ledger, artifacts(), environment);
    const at = ({ policy }: (typeof all)[number]) => policy.name;
    const { entries, next } = policyPages.cut(pageOf(all, cursor, policyPages.rows(limit), at), limit, at);
    return c.json({ policies: entries.map(shownPolicy), next }, 200);
  })
  .openapi(list, async (c) => {
    const { environment, policy, record, cursor, limit } = c.req.valid("query");
    const found = await listPrunes(await c.var.ledger(), {
      limit: pages.rows(limit),
      ...readable(c, environment),
      ...(policy !== undefined && { policy }),
      ...(record !== undefined && { record }),
      ...(cursor !== undefined && { before: cursor }),
    });
    const { entries, next } = pages.cut(found, limit, ({ id }) => id);
    return c.json({ prunes: entries.map(shownPrune), next }, 200);
  })
  .openapi(show, async (c) =>
    c.json(shownPrune(await readPruneSoFar(await c.var.ledger(), c.req.valid("param").id)), 200),
  )
  .openapi(records, async (c) => {
    const { status, cursor, limit } = c.req.valid("query");
    const ledger = await c.var.ledger();
    const { id } = await readPrune(ledger, c.req.valid("param").id);
    const found = await listRecords(ledger, id, {
      limit: recordPages.rows(limit),
      ...(status !== undefined && { status }),
      ...(cursor !== undefined && { after: cursor }),
    });
    const { entries, next } = recordPages.cut(found, limit, ({ record }) => record);
    const kept = await keptIn(artifacts(), entries);
    return c.json({ records: entries.map((one) => shownRecord(one, kept.get(one.record))), next }, 200);
  })
  .openapi(report, async (c) => {
    const { id, report } = await readPrune(await c.var.ledger(), c.req.valid("param").id);
    if (report === null) throw new RehearsalError("NotFound", { what: "prune with a report", name: id });
    const store = artifacts();
    const { size } = await store.head(report.key);
    if (size > STREAMED_BYTES) return c.redirect(await store.presignGet(report.key, ADDRESS_SECONDS), 302);
    return c.body(ReadableStream.from(store.getStream(report.key)), 200, {
      "content-type": "application/json",
      "x-content-type-options": "nosniff",
    });
  });

function answer(c: ApiContext, { prune, repeated }: Awaited<ReturnType<typeof startPrune>>) {
  return c.json(shownPrune(prune), repeated ? 200 : 202);
}
