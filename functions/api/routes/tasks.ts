/** Tasks: how far work beside promotions is, and the files that an export has left. */
import { createRoute, z } from "@hono/zod-openapi";
import { TASKS } from "../../../core/tasks.ts";
import { listTasks, readTask } from "../../../io/ledger/tasks.ts";
import { artifacts } from "../../clients.ts";
import { filesOfTask } from "../../task-files.ts";
import { access, readable } from "../access.ts";
import { backupId, environmentName, jsonAnswer, refused, taskId } from "../answer.ts";
import { next, pagesOf } from "../paging.ts";
import { api } from "../request.ts";
import { shownTask, taskSchema } from "../task.ts";

/** How long an address may be used: for as long as it takes to begin the download of every file of a page. */
const ADDRESS_SECONDS = 900;

const pages = pagesOf("tasks", taskId);
const filePages = pagesOf("files", z.string().max(255));

const params = z.object({ id: taskId });

const list = createRoute({
  method: "get",
  path: "/tasks",
  operationId: "listTasks",
  ...access("read", "somewhere"),
  tags: ["Tasks"],
  summary: "The newest tasks first",
  request: {
    query: z.object({
      environment: environmentName.optional(),
      backup: backupId.optional(),
      kind: z.enum(TASKS).optional(),
      ...pages.query,
    }),
  },
  responses: { 200: jsonAnswer(z.object({ tasks: z.array(taskSchema), next }), "Tasks"), ...refused },
});

const show = createRoute({
  method: "get",
  path: "/tasks/{id}",
  operationId: "showTask",
  ...access("read", "task"),
  tags: ["Tasks"],
  summary: "One task: how far it is, or how it ended",
  request: { params },
  responses: { 200: jsonAnswer(taskSchema, "The task"), ...refused },
});

const files = createRoute({
  method: "get",
  path: "/tasks/{id}/files",
  operationId: "listTaskFiles",
  ...access("promote", "task"),
  tags: ["Tasks"],
  summary: "The files that a task has left, by name, each with an address to fetch it from",
  request: { params, query: z.object(filePages.query) },
  responses: {
    200: jsonAnswer(
      z.object({
        files: z.array(z.object({ name: z.string(), size: z.number(), sha256: z.string(), url: z.string() })),
        /** How many there are in all. */
        count: z.int(),
        next,
      }),
      "By name",
    ),
    ...refused,
  },
});

export const taskRoutes = api()
  .openapi(list, async (c) => {
    const { environment, backup, kind, cursor, limit } = c.req.valid("query");
    const found = await listTasks(await c.var.ledger(), {
      limit: pages.rows(limit),
      ...(cursor !== undefined && { before: cursor }),
      ...readable(c, environment),
      ...(backup !== undefined && { backup }),
      ...(kind !== undefined && { kinds: [kind] }),
    });
    const { entries, next } = pages.cut(found, limit, ({ id }) => id);
    return c.json({ tasks: entries.map(shownTask), next }, 200);
  })
  .openapi(show, async (c) =>
    c.json(shownTask(await readTask(await c.var.ledger(), c.req.valid("param").id)), 200),
  )
  .openapi(files, async (c) => {
    const task = await readTask(await c.var.ledger(), c.req.valid("param").id);
    const { cursor = "", limit } = c.req.valid("query");
    const store = artifacts();
    const all = await filesOfTask(store, task);
    const behind = all.filter(({ name }) => name > cursor);
    const { entries: page, next } = filePages.cut(behind, limit, ({ name }) => name);
    const addressed = await Promise.all(
      page.map(async ({ key, ...file }) => ({ ...file, url: await store.presignGet(key, ADDRESS_SECONDS) })),
    );
    return c.json({ files: addressed, count: all.length, next }, 200);
  });
