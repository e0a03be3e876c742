/** Artifacts: what a promotion's steps wrote, listed and handed out by short-lived addresses, and its report as it is. */
import { createRoute, z } from "@hono/zod-openapi";
import { comparisonSchema } from "../../../core/comparison.ts";
import { RehearsalError } from "../../../core/errors.ts";
import { reportMarkdown } from "../../../core/report-markdown.ts";
import { readPromotion } from "../../../io/ledger/promotions.ts";
import { reportPage } from "../../../web/report.ts";
import { artifacts } from "../../clients.ts";
import { compareWithReal } from "../../comparison.ts";
import {
  type Artifact,
  artifactKey,
  listArtifacts,
  newestReport,
  permissionFor,
} from "../../promotion-artifacts.ts";
import { access, guard } from "../access.ts";
import { idParam, instant, jsonAnswer, refused } from "../answer.ts";
import { next, pageOf, pagesOf } from "../paging.ts";
import { refusals } from "../refusals.ts";
import { allow, api } from "../request.ts";

/** How long an address may be used. */
const ADDRESS_SECONDS = 300;

/** A function's answer may have 6 MB, as JSON text in which quotes and line feeds count twice. */
const STREAMED_BYTES = 4 * 1024 * 1024;

const MEDIA = {
  json: "application/json",
  md: "text/markdown; charset=utf-8",
  html: "text/html; charset=utf-8",
};

const artifactSchema = z.object({ key: z.string(), size: z.int(), modified: instant });

const pages = pagesOf("artifacts", z.string().max(1_500));

const list = createRoute({
  method: "get",
  path: "/promotions/{id}/artifacts",
  operationId: "listArtifacts",
  ...access("read", "promotion"),
  tags: ["Promotions"],
  summary: "What the promotion's steps wrote",
  request: { params: idParam, query: z.object(pages.query) },
  responses: {
    200: jsonAnswer(
      z.object({ artifacts: z.array(artifactSchema), next }),
      "The steps' own, then its backups",
    ),
    ...refused,
  },
});

const report = createRoute({
  method: "get",
  path: "/promotions/{id}/report",
  operationId: "showReport",
  ...access("read", "promotion"),
  tags: ["Promotions"],
  summary: "The newest rehearsal's report",
  request: {
    params: idParam,
    query: z.object({ format: z.enum(["json", "md", "html"]).default("json") }),
  },
  responses: {
    200: {
      description: "The report",
      content: {
        "application/json": { schema: z.unknown() },
        "text/markdown": { schema: z.string() },
        "text/html": { schema: z.string() },
      },
    },
    302: { description: "A report too large for an answer: its address" },
    ...refusals("ReportMissing"),
  },
});

const comparison = createRoute({
  method: "get",
  path: "/promotions/{id}/comparison",
  operationId: "showComparison",
  ...access("read", "promotion"),
  tags: ["Promotions"],
  summary: "What the newest rehearsal took beside what production took; null before it was migrated",
  request: { params: idParam },
  responses: {
    200: jsonAnswer(z.object({ comparison: comparisonSchema.nullable() }), "The comparison"),
    ...refusals("ReportMissing"),
  },
});

export const artifactRoutes = api()
  .openapi(list, async (c) => {
    const promotion = await readPromotion(await c.var.ledger(), c.req.valid("param").id);
    const { cursor, limit } = c.req.valid("query");
    const all: Artifact[] = [];
    for await (const artifact of listArtifacts(artifacts(), promotion)) all.push(artifact);
    const at = ({ key }: Artifact) => key;
    const { entries, next } = pages.cut(pageOf(all, cursor, pages.rows(limit), at), limit, at);
    return c.json({ artifacts: entries.map(shown), next }, 200);
  })
  .openapi(report, async (c) => {
    const { id } = await readPromotion(await c.var.ledger(), c.req.valid("param").id);
    const { format } = c.req.valid("query");
    const store = artifacts();
    const newest = await newestReport(store, id);
    const key = `${newest}.${format}`;
    const { size } = await store.head(key);
    if (size > STREAMED_BYTES) return c.redirect(await store.presignGet(key, ADDRESS_SECONDS), 302);
    // The JSON is evidence, byte by byte; what is there for people tells as well how it went.
    const real = format === "json" ? undefined : await compareWithReal(store, id, `${newest}.json`);
    const told = real && (format === "md" ? reportMarkdown : reportPage)(real.report, real.comparison);
    return c.body(told ?? ReadableStream.from(store.getStream(key)), 200, {
      "content-type": MEDIA[format],
      // The page quotes what a release says, so it may show and do nothing but itself.
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
      "x-content-type-options": "nosniff",
    });
  })
  .openapi(comparison, async (c) => {
    const { id } = await readPromotion(await c.var.ledger(), c.req.valid("param").id);
    const store = artifacts();
    const real = await compareWithReal(store, id, `${await newestReport(store, id)}.json`);
    return c.json({ comparison: real?.comparison ?? null }, 200);
  });

// OpenAPI has no word for a parameter that holds slashes, so it is told here and routed below.
artifactRoutes.openAPIRegistry.registerPath({
  method: "get",
  path: "/promotions/{id}/artifacts/{key}",
  operationId: "readArtifact",
  "x-access": { permission: "read", of: "promotion" },
  tags: ["Promotions"],
  summary: "Where one artifact can be fetched from, for five minutes",
  description:
    "`key` is the rest of the path, slashes and all, as the list of artifacts tells it. With `Accept: application/json` the address comes as JSON, and as a redirection without.",
  request: {
    params: idParam.extend({
      key: z.string().openapi({ param: { name: "key", in: "path" }, example: "rehearse/1/report.json" }),
    }),
  },
  responses: {
    200: jsonAnswer(z.object({ url: z.string() }), "The address"),
    302: { description: "The address, as a redirection" },
    ...refused,
  },
});

artifactRoutes.get(
  "/promotions/:id/artifacts/:key{.+}",
  guard({ permission: "read", of: "promotion" }),
  async (c) => {
    const id = idParam.safeParse({ id: c.req.param("id") });
    const relative = c.req.param("key");
    if (!id.success) throw new RehearsalError("NotFound", { what: "promotion", name: c.req.param("id") });
    const promotion = await readPromotion(await c.var.ledger(), id.data.id);
    const store = artifacts();
    const key = artifactKey(promotion, relative);
    allow(c, permissionFor(relative), promotion.environment);
    await store.head(key).catch((error: unknown) => {
      if (error instanceof RehearsalError && error.code === "ObjectMissing")
        throw new RehearsalError("NotFound", { what: "artifact", name: relative });
      throw error;
    });
    const url = await store.presignGet(key, ADDRESS_SECONDS);
    return c.req.header("accept")?.includes("application/json") ? c.json({ url }) : c.redirect(url, 302);
  },
);

function shown({ key, size, modified }: Artifact) {
  return { key, size, modified: modified.toISOString() };
}
