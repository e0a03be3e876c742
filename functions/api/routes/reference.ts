/** The API's own description: as a document for programs, and as a page for people. Neither tells what is a secret. */
import { createHash } from "node:crypto";
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { ApiDocument } from "../../../web/reference.ts";
import { access } from "../access.ts";
import { jsonAnswer } from "../answer.ts";
import { apiDocument } from "../document.ts";
import { type ApiEnv, api } from "../request.ts";

const document = createRoute({
  method: "get",
  path: "/openapi.json",
  operationId: "readDocument",
  tags: ["Service"],
  ...access("read", "public"),
  summary: "This API as an OpenAPI 3.1 document",
  security: [],
  responses: { 200: jsonAnswer(z.looseObject({ openapi: z.string() }), "The document") },
});

const page = createRoute({
  method: "get",
  path: "/reference",
  operationId: "readReference",
  tags: ["Service"],
  ...access("read", "public"),
  summary: "This API as a page for people",
  security: [],
  responses: {
    200: { description: "The page", content: { "text/html": { schema: z.string() } } },
  },
});

/** Describes `described`, with these very routes once they are on it. */
export function referenceRoutes(described: OpenAPIHono<ApiEnv>) {
  let made: ApiDocument | undefined;
  const told = () => {
    made ??= apiDocument(described);
    return made;
  };
  return api()
    .openapi(document, (c) => c.json({ ...told() }, 200))
    .openapi(page, async (c) => {
      const { referencePage } = await import("../../../web/reference.ts");
      const { REFERENCE_STYLE: style } = await import("../../../web/reference-style.ts");
      const hash = createHash("sha256").update(style).digest("base64");
      c.header("content-security-policy", `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'`);
      c.header("x-content-type-options", "nosniff");
      return c.html(await referencePage(told(), style), 200);
    });
}
