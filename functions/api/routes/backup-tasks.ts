/** What takes longer than a request with backups: taken, verified, restored, exported and removed by tasks that start here. */
import { createRoute, z } from "@hono/zod-openapi";
import { EVERYWHERE } from "../../../core/access.ts";
import { NAME_BYTES } from "../../../core/names.ts";
import { RETENTION_CLASSES } from "../../../core/retention.ts";
import { EXPORT_FORMATS } from "../../../core/tasks.ts";
import { readEnvironment } from "../../../io/ledger/environments.ts";
import { startBackup, startExpiry, startExport, startRestore, startVerify } from "../../task-start.ts";
import { access } from "../access.ts";
import { backupId, backupParam, environmentName, jsonBody, keyHeader } from "../answer.ts";
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

/** Bytes that a name may have on a server: any but zero. */
const tablespaceName = z
  .string()
  .min(1)
  .refine((name) => Buffer.byteLength(name) <= 63 && !name.includes("\0"), "a name has up to 63 bytes");

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
          /** By the backup's name of a tablespace, the server's that takes its place; one that is not named keeps its name. */
          tablespaces: z.record(tablespaceName, tablespaceName).optional(),
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

export const backupTaskRoutes = api()
  .openapi(create, async (c) => {
    const { base, retention } = c.req.valid("json");
    const request = {
      environment: c.req.valid("param").name,
      retention,
      ...(base !== undefined && { base }),
    };
    return answer(c, await startBackup(await c.var.ledger(), request, asker(c, c.req.valid("header"))));
  })
  .openapi(expire, async (c) => {
    const { environment = null } = c.req.valid("json");
    allow(c, "administer", environment ?? EVERYWHERE);
    return answer(
      c,
      await startExpiry(await c.var.ledger(), { environment }, asker(c, c.req.valid("header"))),
    );
  })
  .openapi(verify, async (c) => {
    const request = { backup: c.req.valid("param").id, restore: c.req.valid("json").restore };
    return answer(c, await startVerify(await c.var.ledger(), request, asker(c, c.req.valid("header"))));
  })
  .openapi(restore, async (c) => {
    const { to, over, confirm, tablespaces } = c.req.valid("json");
    if (over !== undefined) await allowReplacing(c, over);
    const request = {
      backup: c.req.valid("param").id,
      ...(to !== undefined && { to }),
      ...(over !== undefined && { over }),
      ...(confirm !== undefined && { confirm }),
      ...(tablespaces !== undefined && { tablespaces }),
    };
    return answer(c, await startRestore(await c.var.ledger(), request, asker(c, c.req.valid("header"))));
  })
  .openapi(exportRoute, async (c) => {
    const request = { backup: c.req.valid("param").id, format: c.req.valid("json").format };
    return answer(c, await startExport(await c.var.ledger(), request, asker(c, c.req.valid("header"))));
  });

/** A copy is anybody's who may promote; what takes the place of production is an admin's. */
async function allowReplacing(c: ApiContext, environment: string): Promise<void> {
  allow(c, "promote", environment);
  const { role } = await readEnvironment(await c.var.ledger(), environment);
  if (role === "prod") allow(c, "administer", environment);
}
