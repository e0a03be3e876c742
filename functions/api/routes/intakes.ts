/** Uploads for imports: where each file is to be put, by whoever may import. */
import { createRoute, z } from "@hono/zod-openapi";
import { UPLOAD_BATCH, UPLOAD_FILE_BYTES } from "../../../core/import/upload.ts";
import { readEnvironment } from "../../../io/ledger/environments.ts";
import { artifacts } from "../../clients.ts";
import { askUploads } from "../../intake.ts";
import { access } from "../access.ts";
import { environmentName, jsonAnswer, jsonBody } from "../answer.ts";
import { refusals } from "../refusals.ts";
import { api } from "../request.ts";

const ask = createRoute({
  method: "post",
  path: "/environments/{name}/uploads/{upload}",
  operationId: "askUploads",
  ...access("promote", "environment"),
  tags: ["Imports"],
  summary: "Ask where files for an import are to be put; the upload is known by what is in it",
  request: {
    params: z.object({
      name: environmentName,
      upload: z.string().regex(/^[0-9a-f]{32}$/, "an upload has 32 hex digits"),
    }),
    ...jsonBody(
      z.strictObject({
        files: z
          .array(
            z.strictObject({
              path: z.string().min(1).max(800),
              size: z.int().min(0).max(UPLOAD_FILE_BYTES),
              sha256: z.string().regex(/^[0-9a-f]{64}$/, "a hash has 64 hex digits"),
            }),
          )
          .min(1)
          .max(UPLOAD_BATCH),
      }),
    ),
  },
  responses: {
    200: jsonAnswer(
      z.object({
        files: z.array(
          z.union([
            z.object({ path: z.string(), known: z.literal(true) }),
            z.object({
              path: z.string(),
              known: z.literal(false),
              upload: z.object({ url: z.string(), headers: z.record(z.string(), z.string()) }),
            }),
          ]),
        ),
      }),
      "Where to PUT exactly these bytes, unless they are there",
    ),
    ...refusals("NotFound", "PathRefused"),
  },
});

export const intakeRoutes = api().openapi(ask, async (c) => {
  const { name, upload } = c.req.valid("param");
  const environment = await readEnvironment(await c.var.ledger(), name);
  const files = await askUploads(artifacts(), environment.name, upload, c.req.valid("json").files);
  return c.json({ files }, 200);
});
