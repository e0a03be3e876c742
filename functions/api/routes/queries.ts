/** Queries: those that come with a release, and their runs, which read what is production's and change nothing. */
import { createRoute, z } from "@hono/zod-openapi";
import { createMiddleware } from "hono/factory";
import { QUERY_FORMATS } from "../../../core/query/formats.ts";
import { queryRequest } from "../../../core/query/request.ts";
import { PARAMETER_TYPES } from "../../../core/query/value.ts";
import { readEnvironment } from "../../../io/ledger/environments.ts";
import { askLook } from "../../ask-look.ts";
import { artifacts } from "../../clients.ts";
import { permissionToQuery } from "../../query-access.ts";
import { type Access, access } from "../access.ts";
import { environmentName, instant, jsonAnswer, jsonBody, releaseHash } from "../answer.ts";
import { next, pageOf, pagesOf } from "../paging.ts";
import { refusals } from "../refusals.ts";
import { type ApiEnv, allow, api } from "../request.ts";

const queryName = z.string().min(1).max(255);

const querySchema = z
  .object({
    name: queryName,
    description: z.string(),
    parameters: z.array(
      z.object({
        name: z.string(),
        type: z.enum(PARAMETER_TYPES),
        optional: z.boolean(),
        default: z.string().optional(),
        text: z.string().optional(),
      }),
    ),
    /** Rows that come when nobody says how many. */
    limit: z.int(),
  })
  .openapi("Query");

const answerSchema = z
  .object({
    query: z.string(),
    release: z.string(),
    format: z.enum(QUERY_FORMATS),
    columns: z.array(z.object({ name: z.string(), type: z.string() })),
    rows: z.int(),
    truncated: z
      .enum(["rows", "bytes"])
      .nullable()
      .openapi({ description: "What the result was cut short by; null when it is whole" }),
    milliseconds: z.int(),
    bytes: z.int(),
    sha256: z.string(),
    content: z
      .string()
      .nullable()
      .openapi({ description: "All of it in the format; null when it is too large for an answer" }),
    download: z
      .object({ url: z.string(), expiresAt: instant, file: z.string() })
      .nullable()
      .openapi({ description: "Where a large result is fetched, for five minutes" }),
  })
  .openapi("QueryResult");

const pages = pagesOf("queries", queryName);

const list = createRoute({
  method: "get",
  path: "/environments/{name}/queries",
  operationId: "listQueries",
  ...access("read", "environment"),
  tags: ["Queries"],
  summary: "The queries of the release that the environment runs, or of another",
  request: {
    params: z.object({ name: environmentName }),
    query: z.object({ release: releaseHash.optional(), ...pages.query }),
  },
  responses: {
    200: jsonAnswer(
      z.object({ release: z.string().nullable(), queries: z.array(querySchema), next }),
      "By name; `release` is null where nothing was promoted yet",
    ),
    ...refusals("ObjectDamaged"),
  },
});

/** Whoever promotes may, and where the policy says so whoever reads. */
const asked = createMiddleware<ApiEnv>(async (c, next) => {
  const name = c.req.param("name") ?? "";
  allow(c, await permissionToQuery(c.var.ledger, c.var.actor, name), name);
  await next();
});

const run = createRoute({
  method: "post",
  path: "/environments/{name}/queries/{query}",
  operationId: "runQuery",
  "x-access": { permission: "promote", of: "environment" } satisfies Access,
  middleware: asked,
  tags: ["Queries"],
  summary: "Run a query in a transaction that only reads and is taken back",
  description:
    "A viewer may as well where the environment's policy says `queries: { viewers: true }`, of the release that is promoted. Each run is told in the log: who, which query, how many rows.",
  request: {
    params: z.object({ name: environmentName, query: queryName }),
    ...jsonBody(z.strictObject(queryRequest.shape)),
  },
  responses: {
    200: jsonAnswer(answerSchema, "What it found"),
    ...refusals(
      "QueryUnknown",
      "QueryReleaseMissing",
      "QueryParameterUnknown",
      "QueryParameterMissing",
      "QueryParameterInvalid",
      "QueryHeld",
      "QueryFailed",
      "QueryTooSlow",
      "QueryColumnsAlike",
      "RowsTooWide",
      "TooManyRequests",
      "DatabaseUnreachable",
      "IdentityMismatch",
    ),
  },
});

export const queryRoutes = api()
  .openapi(list, async (c) => {
    const { name } = c.req.valid("param");
    const { release: wanted, cursor, limit } = c.req.valid("query");
    const ledger = await c.var.ledger();
    const { readQueries } = await import("../../queries.ts");
    const environment = await readEnvironment(ledger, name);
    const { release, queries } = await readQueries(ledger, artifacts(), environment, wanted);
    const at = ({ name }: { name: string }) => name;
    const { entries, next } = pages.cut(pageOf(queries, cursor, pages.rows(limit), at), limit, at);
    const shown = entries.map(({ name, description, parameters, limit }) => ({
      ...{ name, description, parameters, limit },
    }));
    return c.json({ release, queries: shown, next }, 200);
  })
  .openapi(run, async (c) => {
    const { name: environment, query } = c.req.valid("param");
    const wanted = c.req.valid("json");
    // What another release asks nobody has promoted.
    if (wanted.release !== undefined) allow(c, "promote", environment);
    const request = { ...wanted, environment, query, person: c.var.person };
    return c.json(await askLook("query", request), 200);
  });
