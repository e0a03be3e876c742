/** The overview, one environment, and what is begun there: a promotion, a backup, a check of drift. */
import { randomUUID } from "node:crypto";
import * as z from "zod";
import { may } from "../../core/access.ts";
import { policyFor } from "../../core/policy.ts";
import { RETENTION_CLASSES } from "../../core/retention.ts";
import { listBackups } from "../../io/ledger/backup-rows.ts";
import { readDriftCheck } from "../../io/ledger/drift-checks.ts";
import { readEnvironment } from "../../io/ledger/environments.ts";
import { listPromotions } from "../../io/ledger/promotions.ts";
import { listReleases } from "../../io/ledger/releases.ts";
import type { Refusal } from "../../web/console/alert.ts";
import { moves, RELOADED } from "../../web/console/current.ts";
import { environmentView, type PromoteView, promoteView } from "../../web/console/environment.ts";
import { overviewView } from "../../web/console/overview.ts";
import { policyFacts } from "../../web/console/policy.ts";
import { guard, readable } from "../api/access.ts";
import { releaseHash } from "../api/answer.ts";
import { askLook } from "../ask-look.ts";
import { startPromotion } from "../promotion-start.ts";
import { startBackup } from "../task-start.ts";
import { formOf, NAME, once, ticked } from "./doors.ts";
import { listed, listedBackup, readableEnvironments } from "./listed.ts";
import { formSecret, type PageContext, PREFIX, pages } from "./request.ts";
import { act, show } from "./show.ts";

/** Rows of what stands on a page beside other things. */
const FEW = 10;

/** Releases that are offered. */
const OFFERED = 50;

const promotionForm = z.object({ release: releaseHash, seed: ticked, rehearseOnly: ticked, once });

const at = (name: string) => `${PREFIX}/environments/${name}`;

export const environmentPages = pages()
  .get("/", guard({ permission: "read", of: "somewhere" }), async (c) => {
    const environments = [];
    for (const environment of await readableEnvironments(c)) environments.push(await listed(c, environment));
    const promotions = await listPromotions(await c.var.ledger(), {
      ...readable(c, undefined),
      limit: FEW,
    });
    const view = { environments, promotions, now: new Date(), csrf: formSecret(c) };
    const refresh = environments.some(({ promotion }) => moves(promotion)) ? RELOADED : undefined;
    return show(c, { title: "Overview", main: overviewView(view), refresh });
  })
  .get(`/environments/${NAME}`, guard({ permission: "read", of: "environment" }), (c) =>
    environmentPage(c, c.req.param("name"), { notice: DONE.get(c.req.query("done") ?? "") }),
  )
  .post(`/environments/${NAME}/drift`, guard({ permission: "read", of: "environment" }), (c) => {
    const name = c.req.param("name");
    return act(
      c,
      async () => {
        await askLook("drift", { environment: name, person: c.var.person });
        return `${at(name)}?done=drift#drift`;
      },
      (refused) => environmentPage(c, name, refused),
    );
  })
  .post(`/environments/${NAME}/backups`, guard({ permission: "promote", of: "environment" }), (c) => {
    const name = c.req.param("name");
    return act(
      c,
      async () => {
        const form = await formOf(c, z.object({ retention: z.enum(RETENTION_CLASSES), once }));
        const who = { person: c.var.person, key: `console-${form.once}` };
        await startBackup(await c.var.ledger(), { environment: name, retention: form.retention }, who);
        return `${at(name)}?done=backup#backups`;
      },
      (refused) => environmentPage(c, name, refused),
    );
  })
  .get(`/environments/${NAME}/promote`, guard({ permission: "promote", of: "environment" }), (c) =>
    promotePage(c, c.req.param("name")),
  )
  .post(`/environments/${NAME}/promote`, guard({ permission: "promote", of: "environment" }), (c) => {
    const environment = c.req.param("name");
    let chosen: PromoteView["chosen"];
    return act(
      c,
      async () => {
        const { once: key, ...wanted } = await formOf(c, promotionForm);
        chosen = wanted;
        const who = { person: c.var.person, key: `console-${key}` };
        const { promotion } = await startPromotion(await c.var.ledger(), { environment, ...chosen }, who);
        return `${PREFIX}/promotions/${promotion.id}`;
      },
      (refused) => promotePage(c, environment, { ...refused, chosen }),
    );
  });

const DONE = new Map([
  ["drift", "Drift was checked just now."],
  ["backup", "The backup is under way. It stands in the list when it is written."],
]);

interface Told {
  notice?: string | undefined;
  refusal?: Refusal;
  status?: number;
}

async function environmentPage(c: PageContext, name: string, told: Told): Promise<Response> {
  const ledger = await c.var.ledger();
  const environment = await readEnvironment(ledger, name);
  const { fingerprint, role } = environment;
  const policy = policyFor(c.var.actor, environment);
  const checked = await readDriftCheck(ledger, name);
  const backups = await listBackups(ledger, { environment: name, limit: FEW });
  const main = environmentView({
    environment: { ...(await listed(c, environment)), fingerprint },
    policy: policyFacts(policy, role),
    promotions: await listPromotions(ledger, { environment: name, limit: FEW }),
    backups: backups.map((backup) => listedBackup(c, backup)),
    found: checked?.promised === fingerprint ? { ...checked.found, count: checked.count } : undefined,
    mayPromote: may(c.var.actor, "promote", name),
    ...{ once: randomUUID(), now: new Date(), csrf: formSecret(c) },
    ...{ notice: told.notice, refusal: told.refusal },
  });
  return show(c, { title: name, main, status: told.status });
}

async function promotePage(
  c: PageContext,
  name: string,
  told: Told & Pick<PromoteView, "chosen"> = {},
): Promise<Response> {
  const ledger = await c.var.ledger();
  const environment = await readEnvironment(ledger, name);
  const main = promoteView({
    environment,
    releases: await listReleases(ledger, OFFERED),
    ...{ chosen: told.chosen, refusal: told.refusal },
    ...{ once: randomUUID(), csrf: formSecret(c) },
  });
  return show(c, { title: `Promote a release to ${name}`, main, status: told.status });
}
