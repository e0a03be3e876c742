/** Backups: listed, shown, judged by their time, and held whatever it says. */
import { createRoute, z } from "@hono/zod-openapi";
import { type BackupRow, lastVerified, listBackups, readBackup } from "../../../io/ledger/backup-rows.ts";
import { holdBackup } from "../../../io/ledger/backups.ts";
import { readEnvironment } from "../../../io/ledger/environments.ts";
import { lookInto, refuseGone } from "../../backups.ts";
import { artifacts } from "../../clients.ts";
import { judge } from "../../expiry.ts";
import { A_PERSON_WAITS, trySending } from "../../outbox.ts";
import { access, readable } from "../access.ts";
import { backupId, backupParam, environmentName, jsonAnswer, jsonBody, refused } from "../answer.ts";
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
import { type ApiContext, api } from "../request.ts";

const pages = pagesOf("backups", backupId);
const judgements = pagesOf("judgements", backupId);

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
  .openapi(show, async (c) => {
    const backup = await readBackup(await c.var.ledger(), c.req.valid("param").id);
    return c.json(shownWithManifest(backup, await lookInto(artifacts(), backup)), 200);
  })
  .openapi(hold, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(await held(c, id, c.req.valid("json").reason), 200);
  })
  .openapi(unhold, async (c) => c.json(await held(c, c.req.valid("param").id, null), 200));

async function held(c: ApiContext, id: string, reason: string | null) {
  const ledger = await c.var.ledger();
  await ledger.transaction(async () => {
    const backup = await readBackup(ledger, id, "lock");
    refuseGone(backup);
    await holdBackup(ledger, id, reason, c.var.person);
  });
  await trySending(ledger, A_PERSON_WAITS);
  return shownBackup(await readBackup(ledger, id));
}
