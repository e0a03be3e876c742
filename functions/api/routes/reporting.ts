/** Reports and documents of the release that an environment runs: what there is, and their runs, each a task with its files. */
import { createRoute, z } from "@hono/zod-openapi";
import { DOCUMENT_FORMATS, isDocument, REPORT_FORMATS } from "../../../core/reporting/definition.ts";
import { artifacts } from "../../clients.ts";
import { readDefinitions } from "../../reporting.ts";
import { startRegeneration, startReport } from "../../task-start.ts";
import { access } from "../access.ts";
import { environmentName, jsonAnswer, jsonBody, keyHeader } from "../answer.ts";
import { next, pagesOf } from "../paging.ts";
import { refusals } from "../refusals.ts";
import { api } from "../request.ts";
import { answerStarted, askerOf, startedAnswers } from "../task.ts";

export const reportName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "a report's name is that of its file below reports/");

/** A record's key as text; several columns as a JSON array. */
export const regeneratedRecord = z.string().min(1).max(1_000);

const reportSchema = z
  .object({
    name: reportName,
    kind: z.enum(["report", "document"]),
    description: z.string(),
    formats: z.array(z.enum([...REPORT_FORMATS, ...DOCUMENT_FORMATS])),
  })
  .openapi("Report");

const pages = pagesOf("reports", reportName);

const list = createRoute({
  method: "get",
  path: "/environments/{name}/reports",
  operationId: "listReports",
  ...access("read", "environment"),
  tags: ["Reports"],
  summary: "The reports and documents of the release that the environment runs, by name",
  request: { params: z.object({ name: environmentName }), query: z.object(pages.query) },
  responses: {
    200: jsonAnswer(z.object({ release: z.string(), reports: z.array(reportSchema), next }), "By name"),
    ...refusals("NotFound"),
  },
});

const run = createRoute({
  method: "post",
  path: "/environments/{name}/reports/{report}/runs",
  operationId: "runReport",
  ...access("promote", "environment"),
  tags: ["Reports"],
  summary: "Export a report in all of its formats; the task's files are they and manifest.json",
  request: { headers: keyHeader, params: z.object({ name: environmentName, report: reportName }) },
  responses: startedAnswers("NotFound", "ReportUnused", "EnvironmentFenced"),
});

const regenerate = createRoute({
  method: "post",
  path: "/environments/{name}/documents/{document}/runs",
  operationId: "regenerateDocuments",
  ...access("promote", "environment"),
  tags: ["Reports"],
  summary: "Make documents anew from the current payload, where they lie",
  request: {
    headers: keyHeader,
    params: z.object({ name: environmentName, document: reportName }),
    ...jsonBody(
      z.strictObject({
        records: z.array(regeneratedRecord).min(1).max(1_000).optional().openapi({
          description: "Which; all whose documents are of another payload than the current one when left out",
        }),
      }),
    ),
  },
  responses: startedAnswers("NotFound", "ReportUnused", "StorageUnset", "EnvironmentFenced"),
});

export const reportingRoutes = api()
  .openapi(list, async (c) => {
    const { cursor = "", limit } = c.req.valid("query");
    const defined = await readDefinitions(await c.var.ledger(), artifacts(), c.req.valid("param").name);
    const behind = defined.definitions.filter(({ name }) => name > cursor);
    const { entries, next } = pages.cut(behind, limit, ({ name }) => name);
    const reports = entries.map((one) => ({
      name: one.name,
      kind: isDocument(one) ? ("document" as const) : ("report" as const),
      description: one.description,
      formats: isDocument(one) ? one.document.outputs.map(({ format }) => format) : one.formats,
    }));
    return c.json({ release: defined.release, reports, next }, 200);
  })
  .openapi(run, async (c) => {
    const { name: environment, report } = c.req.valid("param");
    const who = askerOf(c, c.req.valid("header"));
    return answerStarted(c, await startReport(await c.var.ledger(), { environment, report }, who));
  })
  .openapi(regenerate, async (c) => {
    const { name: environment, document } = c.req.valid("param");
    const { records = null } = c.req.valid("json");
    const who = askerOf(c, c.req.valid("header"));
    const request = { environment, document, records };
    return answerStarted(c, await startRegeneration(await c.var.ledger(), request, who));
  });
