/** Imports from SQLite: a whole database comes over, or nothing of it. */
import { createRoute, z } from "@hono/zod-openapi";
import { startSqliteImport } from "../../task-start.ts";
import { access } from "../access.ts";
import { environmentName, jsonBody, keyHeader } from "../answer.ts";
import { allowSource, importAnswers, importAsked } from "../imports.ts";
import { api } from "../request.ts";
import { answerStarted, askerOf } from "../task.ts";

const start = createRoute({
  method: "post",
  path: "/environments/{name}/sqlite-imports",
  operationId: "startSqliteImport",
  ...access("promote", "environment"),
  tags: ["Imports"],
  description: "A folder of the service's machine may be named by whoever administers the environment.",
  summary: "Bring a SQLite database over into empty tables; the task's file is report.json",
  request: {
    headers: keyHeader,
    params: z.object({ name: environmentName }),
    ...jsonBody(
      z.strictObject({
        ...importAsked,
        /** The file's name where the source holds several. */
        file: z
          .string()
          .min(1)
          .max(255)
          .regex(/^[^/\\]+$/, "it is a file's name, without a folder")
          .optional(),
        /** The mapping; may be left out where the release has one only. */
        import: z.string().min(1).max(200).optional(),
      }),
    ),
  },
  responses: importAnswers,
});

export const sqliteImportRoutes = api().openapi(start, async (c) => {
  const { file, import: name, confirm, ...rest } = c.req.valid("json");
  const environment = c.req.valid("param").name;
  allowSource(c, environment, rest.source);
  const request = {
    ...{ environment, ...rest },
    ...(file !== undefined && { file }),
    ...(name !== undefined && { import: name }),
    ...(confirm !== undefined && { confirm }),
  };
  return answerStarted(
    c,
    await startSqliteImport(await c.var.ledger(), request, askerOf(c, c.req.valid("header"))),
  );
});
