/** Imports of files: records of a folder, an intake or an upload become rows and objects, each by itself. */
import { createRoute, z } from "@hono/zod-openapi";
import { importSourceSchema } from "../../../core/import/source.ts";
import { startImportFiles } from "../../task-start.ts";
import { access } from "../access.ts";
import { environmentName, jsonBody, keyHeader } from "../answer.ts";
import { allow, api } from "../request.ts";
import { answerStarted, askerOf, startedAnswers } from "../task.ts";

const start = createRoute({
  method: "post",
  path: "/environments/{name}/file-imports",
  operationId: "startFileImport",
  ...access("promote", "environment"),
  tags: ["Imports"],
  description: "A folder of the service's machine may be named by whoever administers the environment.",
  summary: "Import records by a mapping of the release that runs; the task's files are its report",
  request: {
    headers: keyHeader,
    params: z.object({ name: environmentName }),
    ...jsonBody(
      z.strictObject({
        source: importSourceSchema,
        /** The mapping, `imports/NAME.yaml`. */
        import: z.string().min(1).max(200),
        /** The environment's name once more; needed where its role is prod. */
        confirm: z.string().max(63).optional(),
        /** Everything is tried, and nothing stays. */
        dryRun: z.boolean().default(false),
      }),
    ),
  },
  responses: startedAnswers(
    ...(["NotFound", "EnvironmentLocked", "ImportUnknown", "ImportReleaseMissing"] as const),
    ...(["ImportOverProd", "ImportSourceUnfit"] as const),
  ),
});

export const fileImportRoutes = api().openapi(start, async (c) => {
  const { confirm, ...rest } = c.req.valid("json");
  const environment = c.req.valid("param").name;
  // Whoever names a folder has the service's machine read it, as a policy's `file:` does.
  if ("folder" in rest.source) allow(c, "administer", environment);
  const request = {
    ...{ environment, ...rest },
    ...(confirm !== undefined && { confirm }),
  };
  return answerStarted(
    c,
    await startImportFiles(await c.var.ledger(), request, askerOf(c, c.req.valid("header"))),
  );
});
