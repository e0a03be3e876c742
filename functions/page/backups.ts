/** Backups: listed, one shown with what its manifest says, and verified. */
import { randomUUID } from "node:crypto";
import * as z from "zod";
import { isTaskEnded } from "../../core/tasks.ts";
import { listBackups, readBackup } from "../../io/ledger/backup-rows.ts";
import { listTasks } from "../../io/ledger/tasks.ts";
import type { Refusal } from "../../web/console/alert.ts";
import { backupsView, backupView } from "../../web/console/backups.ts";
import { RELOADED } from "../../web/console/current.ts";
import { guard, readable } from "../api/access.ts";
import { backupId } from "../api/answer.ts";
import { shownWithManifest } from "../api/backup.ts";
import { lookInto } from "../backups.ts";
import { artifacts } from "../clients.ts";
import { startVerify } from "../task-start.ts";
import { cut, formOf, ID, listQuery, once, optional, queryOf, ROWS, ticked } from "./doors.ts";
import { listedBackup, readableNames } from "./listed.ts";
import { formSecret, type PageContext, PREFIX, pages } from "./request.ts";
import { act, show } from "./show.ts";

/** Tables of a manifest that a page shows. */
const TABLES = 500;

const query = listQuery.extend({ before: optional(backupId) });

export const backupPages = pages()
  .get("/backups", async (c) => {
    const { environment, before } = queryOf(c, query);
    const found = await listBackups(await c.var.ledger(), {
      ...readable(c, environment),
      ...(before !== undefined && { before }),
      limit: ROWS + 1,
    });
    const { rows, next } = cut(found, ({ id }) => id);
    const main = backupsView({
      backups: rows.map((backup) => listedBackup(c, backup)),
      environments: await readableNames(c),
      environment: environment ?? "",
      ...{ next, further: before !== undefined },
      ...{ now: new Date(), once: randomUUID(), csrf: formSecret(c) },
    });
    return show(c, { title: "Backups", main });
  })
  .get(`/backups/${ID}`, guard({ permission: "read", of: "backup" }), (c) =>
    backupPage(c, c.req.param("id"), {
      notice:
        c.req.query("done") === "verify" ? "It is being verified; what came of it stands below." : undefined,
    }),
  )
  .post(`/backups/${ID}/verify`, guard({ permission: "promote", of: "backup" }), (c) => {
    const id = c.req.param("id");
    return act(
      c,
      async () => {
        const form = await formOf(c, z.object({ restore: ticked, once }));
        const who = { person: c.var.person, key: `console-${form.once}` };
        await startVerify(await c.var.ledger(), { backup: id, restore: form.restore }, who);
        return `${PREFIX}/backups/${id}?done=verify`;
      },
      (refused) => backupPage(c, id, refused),
    );
  });

interface Told {
  notice?: string | undefined;
  refusal?: Refusal;
  status?: number;
}

async function backupPage(c: PageContext, id: string, told: Told): Promise<Response> {
  const ledger = await c.var.ledger();
  const backup = await readBackup(ledger, id);
  const { manifest, damage } = shownWithManifest(backup, await lookInto(artifacts(), backup));
  const tasks = await listTasks(ledger, { backup: id, limit: 20 });
  const main = backupView({
    backup: { ...listedBackup(c, backup), promotion: backup.promotion, base: backup.base },
    manifest: manifest === null ? null : { ...manifest, tables: manifest.tables.slice(0, TABLES) },
    damage,
    tasks,
    ...{ now: new Date(), once: randomUUID(), csrf: formSecret(c) },
    ...{ notice: told.notice, refusal: told.refusal },
  });
  const refresh = tasks.some(({ status }) => !isTaskEnded(status)) ? RELOADED : undefined;
  return show(c, { title: `Backup ${id}`, main, status: told.status, refresh });
}
