/** Reports of an environment: what there is, begun by a form, and each run with its files and its map. */
import { randomUUID } from "node:crypto";
import * as z from "zod";
import { may } from "../../core/access.ts";
import { RehearsalError } from "../../core/errors.ts";
import { isDocument } from "../../core/reporting/definition.ts";
import { isTaskEnded } from "../../core/tasks.ts";
import { listTasks, readTask, type TaskOf } from "../../io/ledger/tasks.ts";
import { type ReportRun, type ReportRunView, reportRunView, reportsView } from "../../web/console/reports.ts";
import { guard } from "../api/access.ts";
import { taskId } from "../api/answer.ts";
import { regeneratedRecord, reportName } from "../api/routes/reporting.ts";
import { artifacts } from "../clients.ts";
import { readOutline } from "../report-map.ts";
import { readDefinitions } from "../reporting.ts";
import { filesOfTask } from "../task-files.ts";
import { startRegeneration, startReport } from "../task-start.ts";
import { cut, formOf, ID, NAME, once, optional, queryOf, ROWS } from "./doors.ts";
import { formSecret, type PageContext, PREFIX, pages } from "./request.ts";
import { act, type Refused, show } from "./show.ts";

const query = z.object({ before: optional(taskId), done: optional(z.string()) });

/** How long an address may be used: it is followed at once. */
const ADDRESS_SECONDS = 60;

const KINDS = ["report", "regenerate"] as const;

type RunTask = TaskOf<(typeof KINDS)[number]>;

export const reportPages = pages()
  .get(`/environments/${NAME}/reports`, guard({ permission: "read", of: "environment" }), (c) =>
    reportsPage(c, {}),
  )
  .post(`/environments/${NAME}/reports/run`, guard({ permission: "promote", of: "environment" }), (c) =>
    act(
      c,
      async () => {
        const { name, once: key } = await formOf(c, z.looseObject({ name: reportName, once }));
        const request = { environment: c.req.param("name"), report: name };
        const { task } = await startReport(await c.var.ledger(), request, { person: c.var.person, key });
        return `${PREFIX}/reports/${task.id}`;
      },
      (refused) => reportsPage(c, { refused }),
    ),
  )
  .post(
    `/environments/${NAME}/reports/regenerate`,
    guard({ permission: "promote", of: "environment" }),
    (c) =>
      act(
        c,
        async () => {
          const form = z.looseObject({ name: reportName, once, record: optional(regeneratedRecord) });
          const { name, once: key, record } = await formOf(c, form);
          const request = {
            ...{ environment: c.req.param("name"), document: name },
            records: record === undefined ? null : [record],
          };
          const { task } = await startRegeneration(await c.var.ledger(), request, {
            person: c.var.person,
            key,
          });
          return `${PREFIX}/reports/${task.id}`;
        },
        (refused) => reportsPage(c, { refused }),
      ),
  )
  .get(`/reports/${ID}`, guard({ permission: "read", of: "task" }), async (c) => {
    const task = await readRun(c);
    return show(c, {
      title: nameOf(task),
      main: reportRunView(await shownRun(c, task)),
      refresh: isTaskEnded(task.status) ? undefined : 5,
    });
  })
  .get(`/reports/${ID}/files/:file`, guard({ permission: "promote", of: "task" }), async (c) => {
    const wanted = c.req.param("file");
    const files = await filesOfTask(artifacts(), await readRun(c));
    const file = files.find(({ name }) => name === wanted);
    if (file === undefined) throw new RehearsalError("NotFound", { what: "file of the run", name: wanted });
    return c.redirect(await artifacts().presignGet(file.key, ADDRESS_SECONDS), 302);
  });

async function reportsPage(c: PageContext, { refused }: { refused?: Refused }): Promise<Response> {
  const name = c.req.param("name") ?? "";
  const { before } = refused === undefined ? queryOf(c, query) : {};
  const ledger = await c.var.ledger();
  const { release, definitions } = await readDefinitions(ledger, artifacts(), name);
  const found = await listTasks(ledger, {
    ...{ environment: name, kinds: KINDS, limit: ROWS + 1 },
    ...(before !== undefined && { before }),
  });
  const { rows, next } = cut(found as RunTask[], ({ id }) => id);
  const main = reportsView({
    ...{ environment: name, release: release === "" ? null : release, runs: rows.map(run) },
    reports: definitions.map((one) => ({
      ...{ name: one.name, description: one.description, kind: isDocument(one) ? "document" : "report" },
      formats: isDocument(one) ? one.document.outputs.map(({ format }) => format) : one.formats,
    })),
    ...{ next, further: before !== undefined, mayRun: may(c.var.actor, "promote", name) },
    ...{ csrf: formSecret(c), once: randomUUID(), refusal: refused?.refusal },
  });
  return show(c, { title: `Reports of ${name}`, main, status: refused?.status });
}

const nameOf = ({ kind, input }: RunTask) => (kind === "report" ? input.report : input.document);

const run = (task: RunTask): ReportRun => {
  const { id, kind, status, requestedBy, createdAt } = task;
  return { id, kind, status, requestedBy, createdAt, of: nameOf(task) };
};

/** Throws `NotFound` for a task that is neither of a report nor of documents. */
async function readRun(c: PageContext): Promise<RunTask> {
  const id = c.req.param("id") ?? "";
  const task = await readTask(await c.var.ledger(), id);
  if (task.kind !== "report" && task.kind !== "regenerate")
    throw new RehearsalError("NotFound", { what: "run of a report", name: id });
  return task;
}

async function shownRun(c: PageContext, task: RunTask): Promise<ReportRunView> {
  const environment = task.environment ?? "";
  const shown = {
    ...{ ...run(task), environment, mayFetch: may(c.var.actor, "promote", environment), outline: undefined },
    error: task.error === null ? undefined : task.error,
  };
  if (task.status !== "succeeded") return shown;
  if (task.kind === "regenerate")
    return { ...shown, regenerated: task.outcome as unknown as NonNullable<ReportRunView["regenerated"]> };
  if (task.facts.removedAt !== undefined) return shown;
  const store = artifacts();
  const files = await filesOfTask(store, task);
  const map = files.find(({ name }) => name.endsWith(".geojson"));
  const outcome = task.outcome as unknown as { rows: number; snapshotAt: string; release: string };
  return {
    ...shown,
    report: { ...outcome, files },
    outline: map === undefined ? undefined : await readOutline(store, map.key),
  };
}
