/** Backups: listed and shown, held, and everything that takes longer than a request started as a task. */
import { createRoute, z } from "@hono/zod-openapi";
import { toErrorRecord } from "../../../core/errors.ts";
import { NAME_BYTES } from "../../../core/names.ts";
import { RETENTION_CLASSES } from "../../../core/retention.ts";
import { EXPORT_FORMATS } from "../../../core/tasks.ts";
import { type BackupRow, lastVerified, listBackups, readBackup } from "../../../io/ledger/backup-rows.ts";
import { holdBackup } from "../../../io/ledger/backups.ts";
import { readEnvironment } from "../../../io/ledger/environments.ts";
import { isDamage, readManifest, refuseGone } from "../../backups.ts";
import { artifacts } from "../../clients.ts";
import { judge } from "../../expiry.ts";
import { sendOutbox } from "../../outbox.ts";
import { startBackup, startExpiry, startExport, startRestore, startVerify } from "../../task-start.ts";
import {
  backupId,
  backupParam,
  environmentName,
  jsonAnswer,
  jsonBody,
  keyHeader,
  limit,
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
import { type ApiContext, api } from "../request.ts";
import { answerStarted as answer, askerOf as asker, taskSchema } from "../task.ts";

/** What a new database may be called; that it is free is found out by the task. */
const databaseName = z
  .string()
  .min(1)
  .refine(
    (name) => new TextEncoder().encode(name).length <= NAME_BYTES,
    `a name has at most ${NAME_BYTES} bytes`,
  )
  .refine((name) => !/\p{Cc}/u.test(name), "a name has no control characters");

const started = {
  200: jsonAnswer(taskSchema, "It was started by an earlier request with the same key"),
  202: jsonAnswer(taskSchema, "It is started"),
  ...refused,
};

const create = createRoute({
  method: "post",
  path: "/environments/{name}/backups",
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
  summary: "The newest backups first",
  request: {
    query: z.object({ environment: environmentName.optional(), before: backupId.optional(), limit }),
  },
  responses: {
    200: jsonAnswer(
      z.object({
        backups: z.array(backupSchema),
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
  summary: "What an expiry would remove now, and why the others stay",
  request: { query: z.object({ environment: environmentName.optional() }) },
  responses: {
    200: jsonAnswer(
      z.object({
        expirable: z.array(backupSchema),
        kept: z.array(z.object({ id: z.string(), environment: z.string(), because: z.string() })),
      }),
      "Newest first",
    ),
    ...refused,
  },
});

const expire = createRoute({
  method: "post",
  path: "/backups/expire",
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
  summary: "One backup, with what its manifest says",
  request: { params: backupParam },
  responses: { 200: jsonAnswer(backupDetailSchema, "The backup"), ...refused },
});

const verify = createRoute({
  method: "post",
  path: "/backups/{id}/verify",
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
  summary: "Keep it whatever its date",
  request: {
    params: backupParam,
    ...jsonBody(z.strictObject({ reason: z.string().min(1).max(500) })),
  },
  responses: { 200: jsonAnswer(backupSchema, "The backup"), ...refused },
});

const unhold = createRoute({
  method: "post",
  path: "/backups/{id}/unhold",
  summary: "Let it expire again when its date has come",
  request: { params: backupParam },
  responses: { 200: jsonAnswer(backupSchema, "The backup"), ...refused },
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
    const { environment, before, limit } = c.req.valid("query");
    const ledger = await c.var.ledger();
    if (environment !== undefined) await readEnvironment(ledger, environment);
    const found = await listBackups(ledger, {
      limit,
      ...(environment !== undefined && { environment }),
      ...(before !== undefined && { before }),
    });
    const verified = environment === undefined ? undefined : await lastVerified(ledger, environment);
    return c.json({ backups: found.map(shownBackup), lastVerified: shownLastVerified(verified) }, 200);
  })
  .openapi(judged, async (c) => {
    const { environment } = c.req.valid("query");
    const ledger = await c.var.ledger();
    if (environment !== undefined) await readEnvironment(ledger, environment);
    const all = await judge(ledger, environment ?? null);
    return c.json(
      {
        expirable: all.filter(({ because }) => because === null).map(({ backup }) => shownBackup(backup)),
        kept: all.flatMap(({ backup: { id, environment }, because }) =>
          because === null ? [] : [{ id, environment, because }],
        ),
      },
      200,
    );
  })
  .openapi(expire, async (c) => {
    const { environment = null } = c.req.valid("json");
    return answer(
      c,
      await startExpiry(await c.var.ledger(), { environment }, asker(c, c.req.valid("header"))),
    );
  })
  .openapi(show, async (c) => {
    const backup = await readBackup(await c.var.ledger(), c.req.valid("param").id);
    return c.json(shownWithManifest(backup, await lookInto(backup)), 200);
  })
  .openapi(verify, async (c) => {
    const request = { backup: c.req.valid("param").id, restore: c.req.valid("json").restore };
    return answer(c, await startVerify(await c.var.ledger(), request, asker(c, c.req.valid("header"))));
  })
  .openapi(restore, async (c) => {
    const { to, over, confirm } = c.req.valid("json");
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

/** What is known of a damaged backup is shown all the same. */
async function lookInto(backup: BackupRow) {
  if (backup.status === "expired") return { manifest: null, damage: null };
  try {
    return { manifest: await readManifest(artifacts(), backup), damage: null };
  } catch (error) {
    if (!isDamage(error)) throw error;
    return { manifest: null, damage: toErrorRecord(error) };
  }
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
