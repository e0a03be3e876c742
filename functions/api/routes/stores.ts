/** Stores: an environment's data as files, made of its database, kept beside it, and put in its place; each by a task that starts here. */
import { createRoute, z } from "@hono/zod-openapi";
import { feedTable, type StorePlace, storePlaceSchema } from "../../../core/stores.ts";
import { readEnvironment } from "../../../io/ledger/environments.ts";
import { listStores } from "../../../io/ledger/stores.ts";
import {
  giveUpStore,
  startStoreAbandon,
  startStoreCutover,
  startStoreDump,
  startStoreExport,
  startStoreImport,
  startStoreSync,
  startStoreVerify,
} from "../../store-start.ts";
import { access } from "../access.ts";
import { environmentName, jsonAnswer, jsonBody, keyHeader, refused } from "../answer.ts";
import { next, pagesOf } from "../paging.ts";
import { refusals } from "../refusals.ts";
import { type ApiContext, allow, api } from "../request.ts";
import { shownStore, storeId, storeSchema } from "../store.ts";
import { answerStarted, askerOf, startedAnswers } from "../task.ts";

/** How long a sync may be asked to follow: what a task's machine lives. */
const FOLLOWED_SECONDS = 86_000;

const params = z.object({ name: environmentName });
const pages = pagesOf("stores", storeId);

/** The environment's name once more; needed where its role is prod. */
const confirm = environmentName.optional();

const nothing = z.strictObject({});

const list = createRoute({
  method: "get",
  path: "/environments/{name}/stores",
  operationId: "listStores",
  ...access("read", "environment"),
  tags: ["Stores"],
  summary: "The environment's stores, the newest first: the one that is not over is the first",
  request: { params, query: z.object(pages.query) },
  responses: { 200: jsonAnswer(z.object({ stores: z.array(storeSchema), next }), "Stores"), ...refused },
});

const dump = createRoute({
  method: "post",
  path: "/environments/{name}/store-dumps",
  operationId: "dumpStoreMetadata",
  ...access("promote", "environment"),
  tags: ["Stores"],
  summary: "Count what every model holds; the task's file is the report",
  request: { headers: keyHeader, params, ...jsonBody(nothing) },
  responses: startedAnswers("NotFound", "StoreUndeclared", "StoreCutOver", "EnvironmentFenced"),
});

/** Of the places that a store may be at. */
const FOLDERS = "A folder of the service's machine may be named by whoever administers the environment.";

const exporting = createRoute({
  method: "post",
  path: "/environments/{name}/store-exports",
  operationId: "exportStore",
  ...access("promote", "environment"),
  tags: ["Stores"],
  summary: "Write the environment's data into a new store, as it is at one instant",
  description: FOLDERS,
  request: {
    headers: keyHeader,
    params,
    ...jsonBody(
      z.strictObject({
        place: storePlaceSchema,
        /** The table of the change feed that it is to follow; null for a store that stays as it is. */
        feed: feedTable.nullable().default("changes"),
      }),
    ),
  },
  responses: startedAnswers(
    ...(["NotFound", "StoreUndeclared", "StoreAlready", "StorePlaceUnfit"] as const),
    ...(["StoreCutOver", "EnvironmentFenced"] as const),
  ),
});

const sync = createRoute({
  method: "post",
  path: "/environments/{name}/store-syncs",
  operationId: "syncStore",
  ...access("promote", "environment"),
  tags: ["Stores"],
  summary: "Bring the store up with the database, and follow it for a while",
  request: {
    headers: keyHeader,
    params,
    ...jsonBody(
      z.strictObject({
        /** How long it goes on behind the moment when it has caught up. */
        seconds: z.int().min(0).max(FOLLOWED_SECONDS).default(0),
        /** Deletes from the feed what the store has read by then: only where nobody else reads it. */
        forget: z.boolean().default(false),
      }),
    ),
  },
  responses: startedAnswers(
    ...(["NotFound", "StoreNone", "StorePhaseUnfit", "StoreCutOver", "EnvironmentFenced"] as const),
  ),
});

const verify = createRoute({
  method: "post",
  path: "/environments/{name}/store-verifications",
  operationId: "verifyStore",
  ...access("promote", "environment"),
  tags: ["Stores"],
  summary: "Compare the store with the database, row by row; the task's file is the report",
  request: { headers: keyHeader, params, ...jsonBody(nothing) },
  responses: startedAnswers(
    ...(["NotFound", "StoreNone", "StorePhaseUnfit", "StoreCutOver", "EnvironmentFenced"] as const),
  ),
});

const importing = createRoute({
  method: "post",
  path: "/environments/{name}/store-imports",
  operationId: "importStore",
  ...access("promote", "environment"),
  tags: ["Stores"],
  summary: "Bring a store into the environment's database, whose tables have to be empty",
  description: FOLDERS,
  request: {
    headers: keyHeader,
    params,
    ...jsonBody(
      z.strictObject({
        place: storePlaceSchema,
        /** Whose data the store holds, where that is another environment's: it takes the right to promote there. */
        of: environmentName.optional(),
        confirm,
      }),
    ),
  },
  responses: startedAnswers(
    ...(["NotFound", "StoreUndeclared", "StoreOverProd", "StorePlaceUnfit"] as const),
    ...(["StoreCutOver", "EnvironmentLocked"] as const),
  ),
});

const cutover = createRoute({
  method: "post",
  path: "/environments/{name}/store-cutovers",
  operationId: "cutOverStore",
  ...access("administer", "environment"),
  tags: ["Stores"],
  summary: "Have the store count in the database's place; or, with back, the database again",
  request: {
    headers: keyHeader,
    params,
    ...jsonBody(
      z.strictObject({
        back: z.boolean().default(false),
        /** On the way back: also where somebody has written to the database behind the fence, whose rows give way. */
        overwrite: z.boolean().optional(),
        confirm,
      }),
    ),
  },
  responses: startedAnswers(
    ...(["NotFound", "StoreNone", "StorePhaseUnfit", "StoreOverProd"] as const),
    ...(["StoreCutOver", "EnvironmentLocked"] as const),
  ),
});

const abandonment = createRoute({
  method: "post",
  path: "/environments/{name}/store-abandonments",
  operationId: "abandonStore",
  ...access("administer", "environment"),
  tags: ["Stores"],
  summary: "Let go of a store that is lost: the database counts again, as it was at the cutover",
  description: "What was written to the store since is lost. One that may still be read has to be named.",
  request: {
    headers: keyHeader,
    params,
    ...jsonBody(z.strictObject({ store: storeId.optional(), confirm })),
  },
  responses: startedAnswers(
    ...(["NotFound", "StoreNone", "StorePhaseUnfit", "StoreOverProd", "StoreCutOver"] as const),
  ),
});

const giveUp = createRoute({
  method: "post",
  path: "/environments/{name}/store-give-ups",
  operationId: "giveUpStore",
  ...access("promote", "environment"),
  tags: ["Stores"],
  summary: "Let go of a store that does not count; its files stay where they are",
  request: { params, ...jsonBody(nothing) },
  responses: {
    200: jsonAnswer(storeSchema, "It is given up"),
    ...refusals("NotFound", "StoreNone", "StorePhaseUnfit", "StoreCutOver"),
  },
});

export const storeRoutes = api()
  .openapi(list, async (c) => {
    const { cursor, limit } = c.req.valid("query");
    const ledger = await c.var.ledger();
    const { name: environment } = await readEnvironment(ledger, c.req.valid("param").name);
    const found = await listStores(ledger, {
      environment,
      limit: pages.rows(limit),
      ...(cursor !== undefined && { before: cursor }),
    });
    const { entries, next } = pages.cut(found, limit, ({ id }) => id);
    return c.json({ stores: entries.map(shownStore), next }, 200);
  })
  .openapi(dump, async (c) => {
    const request = { environment: c.req.valid("param").name };
    return answerStarted(
      c,
      await startStoreDump(await c.var.ledger(), request, askerOf(c, c.req.valid("header"))),
    );
  })
  .openapi(exporting, async (c) => {
    const environment = c.req.valid("param").name;
    const { place, feed } = c.req.valid("json");
    allowPlace(c, environment, place);
    const who = askerOf(c, c.req.valid("header"));
    return answerStarted(c, await startStoreExport(await c.var.ledger(), { environment, place, feed }, who));
  })
  .openapi(sync, async (c) => {
    const request = { environment: c.req.valid("param").name, ...c.req.valid("json") };
    return answerStarted(
      c,
      await startStoreSync(await c.var.ledger(), request, askerOf(c, c.req.valid("header"))),
    );
  })
  .openapi(verify, async (c) => {
    const request = { environment: c.req.valid("param").name };
    return answerStarted(
      c,
      await startStoreVerify(await c.var.ledger(), request, askerOf(c, c.req.valid("header"))),
    );
  })
  .openapi(importing, async (c) => {
    const environment = c.req.valid("param").name;
    const { place, of, confirm } = c.req.valid("json");
    allowPlace(c, environment, place);
    if (of !== undefined) allow(c, "promote", of);
    const request = {
      ...{ environment, place },
      ...(of !== undefined && { of }),
      ...(confirm !== undefined && { confirm }),
    };
    const who = askerOf(c, c.req.valid("header"));
    return answerStarted(c, await startStoreImport(await c.var.ledger(), request, who));
  })
  .openapi(cutover, async (c) => {
    const { back, overwrite, confirm } = c.req.valid("json");
    const request = {
      ...{ environment: c.req.valid("param").name, back },
      ...(overwrite !== undefined && { overwrite }),
      ...(confirm !== undefined && { confirm }),
    };
    return answerStarted(
      c,
      await startStoreCutover(await c.var.ledger(), request, askerOf(c, c.req.valid("header"))),
    );
  })
  .openapi(abandonment, async (c) => {
    const { store, confirm } = c.req.valid("json");
    const request = {
      environment: c.req.valid("param").name,
      ...(store !== undefined && { store }),
      ...(confirm !== undefined && { confirm }),
    };
    return answerStarted(
      c,
      await startStoreAbandon(await c.var.ledger(), request, askerOf(c, c.req.valid("header"))),
    );
  })
  .openapi(giveUp, async (c) =>
    c.json(shownStore(await giveUpStore(await c.var.ledger(), c.req.valid("param").name, c.var.person)), 200),
  );

/** Whoever names a folder has the service's machine read and write it, as a policy's `file:` does. */
function allowPlace(c: ApiContext, environment: string, place: StorePlace): void {
  if ("folder" in place) allow(c, "administer", environment);
}
