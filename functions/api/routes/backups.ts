/** Backups: listed and shown, held, and everything that takes longer than a request started as a task. */
import { createRoute, z } from "@hono/zod-openapi";
import { EVERYWHERE } from "../../../core/access.ts";
import { NAME_BYTES } from "../../../core/names.ts";
import { RETENTION_CLASSES } from "../../../core/retention.ts";
import { EXPORT_FORMATS } from "../../../core/tasks.ts";
import { type BackupRow, lastVerified, listBackups, readBackup } from "../../../io/ledger/backup-rows.ts";
import { holdBackup } from "../../../io/ledger/backups.ts";
import { readEnvironment } from "../../../io/ledger/environments.ts";
import { lookInto, refuseGone } from "../../backups.ts";
import { artifacts } from "../../clients.ts";
import { judge } from "../../expiry.ts";
import { sendOutbox } from "../../outbox.ts";
import { startBackup, startExpiry, startExport, startRestore, startVerify } from "../../task-start.ts";
import { access, readable } from "../access.ts";
import {
  backupId,
  backupParam,
  environmentName,
  jsonAnswer,
  jsonBody,
  keyHeader,
  refused,
} from "../answer.ts";
import {
  backupDetailSchema,
  backupSchema,
  lastVerifiedSchema,
  shownBackup,
  shownLastVerified,
  shownWithManifest,
} from "../backup.ts";
import { next, pageOf, pagesOf } from "../paging.ts";
import { refusals } from "../refusals.ts";
import { type ApiContext, allow, api } from "../request.ts";
import { answerStarted as answer, askerOf as asker, startedAnswers } from "../task.ts";

/** What a new database may be called; that it is free is found out by the task. */
const databaseName = z
  .string()
  .min(1)
  .refine(
    (name) => new TextEncoder().encode(name).length <= NAME_BYTES,
    `a name has at most ${NAME_BYTES} bytes`,
  )
  .refine((name) => !/\p{Cc}/u.test(name), "a name has no control characters");

const pages = pagesOf("backups", backupId);
const judgements = pagesOf("judgements", backupId);

const started = startedAnswers(
  "NotFound",
  "BackupUnusable",
  "EnvironmentFenced",
  "EnvironmentLocked",
  "RestoreForeign",
  "RestoreOverProd",
);

const create = createRoute({
  method: "post",
  path: "/environments/{name}/backups",
  operationId: "startBackup",
  ...access("promote", "environment"),
  tags: ["Backups"],
  summary: "Back up an environment",
  request: {
    headers: keyHeader,
    params: z.object({ name: environmentName }),
    ...jsonBody(
      z.strictObject({
        /** The backup to build on: only what has changed since is copied. */
        base: backupId.or(z.literal("latest")).optional(),
        retention: z.enum(RETENTION_CLASSES).default("manual"),
      }),
    ),
  },
  responses: started,
});

const list = createRoute({
  method: "get",
  path: "/backups",
  operationId: "listBackups",
  ...access("read", "somewhere"),
  tags: ["Backups"],
  summary: "The newest backups first",
  request: {
    query: z.object({ environment: environmentName.optional(), ...pages.query }),
  },
  responses: {
    200: jsonAnswer(
      z.object({
        backups: z.array(backupSchema),
        next,
        /** Of the environment that was named. */
        lastVerified: lastVerifiedSchema.nullable(),
      }),
      "Backups",
    ),
    ...refused,
  },
});

const judged = createRoute({
  method: "get",
  path: "/backups/expirable",
  operationId: "listExpirable",
  ...access("read", "somewhere"),
  tags: ["Backups"],
  summary: "What an expiry would remove now, and why the others stay",
  request: { query: z.object({ environment: environmentName.optional(), ...judgements.query }) },
  responses: {
    200: jsonAnswer(
      z.object({
        expirable: z.array(backupSchema),
        kept: z.array(z.object({ id: z.string(), environment: z.string(), because: z.string() })),
        next,
      }),
      "Newest first",
    ),
    ...refused,
  },
});

const expire = createRoute({
  method: "post",
  path: "/backups/expire",
  operationId: "expireBackups",
  ...access("administer", "environment"),
  tags: ["Backups"],
  summary: "Remove the objects of all backups whose time is over",
  request: {
    headers: keyHeader,
    ...jsonBody(z.strictObject({ environment: environmentName.optional() })),
  },
  responses: started,
});

const show = createRoute({
  method: "get",
  path: "/backups/{id}",
  operationId: "showBackup",
  ...access("read", "backup"),
  tags: ["Backups"],
  summary: "One backup, with what its manifest says",
  request: { params: backupParam },
  responses: { 200: jsonAnswer(backupDetailSchema, "The backup"), ...refused },
});

const verify = createRoute({
  method: "post",
  path: "/backups/{id}/verify",
  operationId: "verifyBackup",
  ...access("promote", "backup"),
  tags: ["Backups"],
  summary: "Read every object; or restore it into a database, compare that, and drop it",
  request: {
    headers: keyHeader,
    params: backupParam,
    ...jsonBody(z.strictObject({ restore: z.boolean().default(false) })),
  },
  responses: started,
});

const restore = createRoute({
  method: "post",
  path: "/backups/{id}/restore",
  operationId: "restoreBackup",
  ...access("promote", "backup"),
  tags: ["Backups"],
  summary: "Restore into a new database, or in the place of the environment's, which is kept",
  request: {
    headers: keyHeader,
    params: backupParam,
    ...jsonBody(
      z
        .strictObject({
          to: databaseName.optional(),
          over: environmentName.optional(),
          confirm: environmentName.optional(),
        })
        .refine(({ to, over }) => (to === undefined) !== (over === undefined), "name either to or over"),
    ),
  },
  responses: started,
});

const exportRoute = createRoute({
  method: "post",
  path: "/backups/{id}/export",
  operationId: "exportBackup",
  ...access("promote", "backup"),
  tags: ["Backups"],
  summary: "Write it as an archive that pg_restore reads; its files are those of the task",
  request: {
    headers: keyHeader,
    params: backupParam,
    ...jsonBody(z.strictObject({ format: z.enum(EXPORT_FORMATS).default("custom") })),
  },
  responses: started,
});

const hold = createRoute({
  method: "post",
  path: "/backups/{id}/hold",
  operationId: "holdBackup",
  ...access("administer", "backup"),
  tags: ["Backups"],
  summary: "Keep it whatever its date",
  request: {
    params: backupParam,
    ...jsonBody(z.strictObject({ reason: z.string().min(1).max(500) })),
  },
  responses: { 200: jsonAnswer(backupSchema, "The backup"), ...refusals("BackupUnusable") },
});

const unhold = createRoute({
  method: "post",
  path: "/backups/{id}/unhold",
  operationId: "unholdBackup",
  ...access("administer", "backup"),
  tags: ["Backups"],
  summary: "Let it expire again when its date has come",
  request: { params: backupParam },
  responses: { 200: jsonAnswer(backupSchema, "The backup"), ...refusals("BackupUnusable") },
});

export const backupRoutes = api()
  .openapi(create, async (c) => {
    const { base, retention } = c.req.valid("json");
    const request = {
      environment: c.req.valid("param").name,
      retention,
      ...(base !== undefined && { base }),
    };
    return answer(c, await startBackup(await c.var.ledger(), request, asker(c, c.req.valid("header"))));
  })
  .openapi(list, async (c) => {
    const { environment, cursor, limit } = c.req.valid("query");
    const ledger = await c.var.ledger();
    const where = readable(c, environment);
    if (environment !== undefined) await readEnvironment(ledger, environment);
    const found = await listBackups(ledger, {
      limit: pages.rows(limit),
      ...where,
      ...(cursor !== undefined && { before: cursor }),
    });
    const verified = environment === undefined ? undefined : await lastVerified(ledger, environment);
    const { entries, next } = pages.cut(found, limit, ({ id }) => id);
    return c.json(
      { backups: entries.map(shownBackup), next, lastVerified: shownLastVerified(verified) },
      200,
    );
  })
  .openapi(judged, async (c) => {
    const { environment, cursor, limit } = c.req.valid("query");
    const ledger = await c.var.ledger();
    const { among } = readable(c, environment);
    if (environment !== undefined) await readEnvironment(ledger, environment);
    const at = ({ backup }: { backup: BackupRow }) => backup.id;
    const judged = await judge(ledger, environment ?? null);
    const seen = judged.filter(({ backup }) => among?.includes(backup.environment) ?? true);
    const found = pageOf(seen, cursor, judgements.rows(limit), at);
    const { entries: all, next } = judgements.cut(found, limit, at);
    return c.json(
      {
        expirable: all.filter(({ because }) => because === null).map(({ backup }) => shownBackup(backup)),
        kept: all.flatMap(({ backup: { id, environment }, because }) =>
          because === null ? [] : [{ id, environment, because }],
        ),
        next,
      },
      200,
    );
  })
  .openapi(expire, async (c) => {
    const { environment = null } = c.req.valid("json");
    allow(c, "administer", environment ?? EVERYWHERE);
    return answer(
      c,
      await startExpiry(await c.var.ledger(), { environment }, asker(c, c.req.valid("header"))),
    );
  })
  .openapi(show, async (c) => {
    const backup = await readBackup(await c.var.ledger(), c.req.valid("param").id);
    return c.json(shownWithManifest(backup, await lookInto(artifacts(), backup)), 200);
  })
  .openapi(verify, async (c) => {
    const request = { backup: c.req.valid("param").id, restore: c.req.valid("json").restore };
    return answer(c, await startVerify(await c.var.ledger(), request, asker(c, c.req.valid("header"))));
  })
  .openapi(restore, async (c) => {
    const { to, over, confirm } = c.req.valid("json");
    if (over !== undefined) await allowReplacing(c, over);
    const request = {
      backup: c.req.valid("param").id,
      ...(to !== undefined && { to }),
      ...(over !== undefined && { over }),
      ...(confirm !== undefined && { confirm }),
    };
    return answer(c, await startRestore(await c.var.ledger(), request, asker(c, c.req.valid("header"))));
  })
  .openapi(exportRoute, async (c) => {
    const request = { backup: c.req.valid("param").id, format: c.req.valid("json").format };
    return answer(c, await startExport(await c.var.ledger(), request, asker(c, c.req.valid("header"))));
  })
  .openapi(hold, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(await held(c, id, c.req.valid("json").reason), 200);
  })
  .openapi(unhold, async (c) => c.json(await held(c, c.req.valid("param").id, null), 200));

/** A copy is anybody's who may promote; what takes the place of production is an admin's. */
async function allowReplacing(c: ApiContext, environment: string): Promise<void> {
  allow(c, "promote", environment);
  const { role } = await readEnvironment(await c.var.ledger(), environment);
  if (role === "prod") allow(c, "administer", environment);
}

async function held(c: ApiContext, id: string, reason: string | null) {
  const ledger = await c.var.ledger();
  await ledger.transaction(async () => {
    const backup = await readBackup(ledger, id, "lock");
    refuseGone(backup);
    await holdBackup(ledger, id, reason, c.var.person);
  });
  await sendOutbox(ledger);
  return shownBackup(await readBackup(ledger, id));
}
