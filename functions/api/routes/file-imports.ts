/** Imports of files: records of a folder, an intake or an upload become rows and objects, each by itself. */
import { createRoute, z } from "@hono/zod-openapi";
import { startImportFiles } from "../../task-start.ts";
import { access } from "../access.ts";
import { environmentName, jsonBody, keyHeader } from "../answer.ts";
import { allowSource, importAnswers, importAsked } from "../imports.ts";
import { api } from "../request.ts";
import { answerStarted, askerOf } from "../task.ts";

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
        ...importAsked,
        /** The mapping, `imports/NAME.yaml`. */
        import: z.string().min(1).max(200),
      }),
    ),
  },
  responses: importAnswers,
});

export const fileImportRoutes = api().openapi(start, async (c) => {
  const { confirm, ...rest } = c.req.valid("json");
  const environment = c.req.valid("param").name;
  allowSource(c, environment, rest.source);
  const request = {
    ...{ environment, ...rest },
    ...(confirm !== undefined && { confirm }),
  };
  return answerStarted(
    c,
    await startImportFiles(await c.var.ledger(), request, askerOf(c, c.req.valid("header"))),
  );
});
