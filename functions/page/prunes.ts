/** Prunes: listed, one shown with its records, an environment's policies and holds, and what is begun there. */
import { randomUUID } from "node:crypto";
import * as z from "zod";
import { may } from "../../core/access.ts";
import { RehearsalError } from "../../core/errors.ts";
import { isPruneEnded } from "../../core/prunes.ts";
import { isTaskEnded } from "../../core/tasks.ts";
import { listArchiveEvents } from "../../io/ledger/archive-events.ts";
import { listBackups } from "../../io/ledger/backup-rows.ts";
import { readEnvironment } from "../../io/ledger/environments.ts";
import { listHolds, readHold } from "../../io/ledger/holds.ts";
import { listRecords } from "../../io/ledger/prune-records.ts";
import { listPrunes, type Prune, readPrune } from "../../io/ledger/prunes.ts";
import { listTasks } from "../../io/ledger/tasks.ts";
import type { Refusal } from "../../web/console/alert.ts";
import { RELOADED } from "../../web/console/current.ts";
import { pruneView } from "../../web/console/prune.ts";
import type { PolicyView } from "../../web/console/prune-policies.ts";
import { environmentPrunesView, type ListedPrune, prunesView } from "../../web/console/prunes.ts";
import { guard, readable } from "../api/access.ts";
import { backupId, environmentName } from "../api/answer.ts";
import { holdId, holdReason, policyName, pruneId, recordKey } from "../api/prune.ts";
import { artifacts } from "../clients.ts";
import { placeHold, releaseHold } from "../holds.ts";
import { startPrune, startPruneRestore } from "../prune-start.ts";
import { keptIn, prunedSoFar, readPruneSoFar, toldBy } from "../prunes.ts";
import { type ListedPolicy, listPolicies } from "../retention-policies.ts";
import { startPruneTest } from "../task-start.ts";
import { cut, formOf, ID, listQuery, NAME, once, optional, queryOf, ROWS, ticked } from "./doors.ts";
import { readableNames } from "./listed.ts";
import { formSecret, type PageContext, PREFIX, pages } from "./request.ts";
import { act, show } from "./show.ts";

/** Rows of what stands on a page beside other things. */
const FEW = 10;

/** Backups that a test may be made of. */
const OFFERED = 20;

const query = listQuery.extend({ before: optional(pruneId) });

const at = (name: string) => `${PREFIX}/environments/${name}/prunes`;

/** A record that was left empty means the backlog. */
const ofRecord = z.object({ policy: policyName, record: optional(recordKey), once });

const confirmed = { confirm: optional(environmentName), sure: ticked };

export const prunePages = pages()
  .get("/prunes", async (c) => {
    const { environment, before } = queryOf(c, query);
    const found = await listPrunes(await c.var.ledger(), {
      ...readable(c, environment),
      ...(before !== undefined && { before }),
      limit: ROWS + 1,
    });
    const { rows, next } = cut(found, ({ id }) => id);
    const main = prunesView({
      prunes: rows.map(listed),
      environments: await readableNames(c),
      environment: environment ?? "",
      ...{ next, further: before !== undefined, now: new Date() },
    });
    return show(c, { title: "Prunes", main, refresh: refreshOf(rows) });
  })
  .get(`/prunes/${ID}`, guard({ permission: "read", of: "prune" }), (c) =>
    prunePage(c, c.req.param("id"), {
      notice: c.req.query("done") === "started" ? "It is under way." : undefined,
    }),
  )
  .get(`/prunes/${ID}/report`, guard({ permission: "read", of: "prune" }), async (c) => {
    const { id, report } = await readPrune(await c.var.ledger(), c.req.param("id"));
    if (report === null) throw new RehearsalError("NotFound", { what: "prune with a report", name: id });
    return c.body(ReadableStream.from(artifacts().getStream(report.key)), 200, {
      "content-type": "application/json",
      "content-disposition": `attachment; filename="${id}.json"`,
    });
  })
  .post(`/prunes/${ID}/restore`, guard({ permission: "promote", of: "prune" }), (c) => {
    const id = c.req.param("id");
    return act(
      c,
      async () => {
        const form = await formOf(c, z.object({ record: optional(recordKey), once, ...confirmed }));
        const { record, confirm } = form;
        const request = {
          prune: id,
          ...(record !== undefined && { records: [record] }),
          ...(confirm !== undefined && { confirm }),
        };
        const { prune } = await startPruneRestore(await c.var.ledger(), request, who(c, form.once));
        return `${PREFIX}/prunes/${prune.id}?done=started`;
      },
      (refused) => prunePage(c, id, refused),
    );
  })
  .get(`/environments/${NAME}/prunes`, guard({ permission: "read", of: "environment" }), (c) =>
    environmentPage(c, c.req.param("name"), { notice: DONE.get(c.req.query("done") ?? "") }),
  )
  .post(`/environments/${NAME}/prunes/plan`, guard({ permission: "promote", of: "environment" }), (c) =>
    begun(c, async (name) => {
      const { policy, record, once } = await formOf(c, ofRecord);
      const request = { environment: name, policy, mode: "report" as const, ...named(record) };
      const { prune } = await startPrune(await c.var.ledger(), request, who(c, once));
      return `${PREFIX}/prunes/${prune.id}?done=started`;
    }),
  )
  .post(`/environments/${NAME}/prunes/run`, guard({ permission: "promote", of: "environment" }), (c) =>
    begun(c, async (name) => {
      const { policy, record, once, confirm, sure } = await formOf(c, ofRecord.extend(confirmed));
      const ledger = await c.var.ledger();
      const { role } = await readEnvironment(ledger, name);
      if (role !== "prod" && !sure)
        throw new RehearsalError("InputInvalid", {
          what: "the form",
          problems: "sure: tick it when you have read what would go",
        });
      const said = confirm === undefined ? {} : { confirm };
      const request = { environment: name, policy, mode: "prune" as const, ...named(record), ...said };
      const { prune } = await startPrune(ledger, request, who(c, once));
      return `${PREFIX}/prunes/${prune.id}?done=started`;
    }),
  )
  .post(`/environments/${NAME}/prunes/test`, guard({ permission: "promote", of: "environment" }), (c) =>
    begun(c, async (name) => {
      const {
        policy,
        backup,
        once: key,
      } = await formOf(c, z.object({ policy: policyName, backup: backupId, once }));
      await startPruneTest(await c.var.ledger(), { environment: name, policy, backup }, who(c, key));
      return `${at(name)}?done=test`;
    }),
  )
  .post(`/environments/${NAME}/holds`, guard({ permission: "promote", of: "environment" }), (c) =>
    begun(c, async (name) => {
      const form = z.object({ policy: policyName, record: optional(recordKey), reason: holdReason });
      const { policy, record = null, reason } = await formOf(c, form);
      const request = { environment: name, policy, record, reason, by: c.var.person };
      await placeHold(await c.var.ledger(), request);
      return `${at(name)}?done=hold#holds`;
    }),
  )
  .post(
    `/environments/${NAME}/holds/:hold/release`,
    guard({ permission: "administer", of: "environment" }),
    (c) =>
      begun(c, async (name) => {
        const { reason } = await formOf(c, z.object({ reason: holdReason }));
        const ledger = await c.var.ledger();
        const id = holdId.safeParse(c.req.param("hold"));
        const hold = id.success ? await readHold(ledger, id.data) : undefined;
        // Another environment's is told of in the words for one that is not there.
        if (hold?.environment !== name)
          throw new RehearsalError("NotFound", { what: "hold", name: c.req.param("hold") ?? "" });
        await releaseHold(ledger, { hold: hold.id, reason, by: c.var.person });
        return `${at(name)}?done=release#holds`;
      }),
  );

const DONE = new Map([
  ["test", "The policy is put to a copy; what came of it stands below when it is done."],
  ["hold", "The hold stands: nothing of it is pruned."],
  ["release", "The hold was released."],
]);

const who = (c: PageContext, key: string) => ({ person: c.var.person, key: `console-${key}` });

const named = (record: string | undefined) => (record === undefined ? {} : { records: [record] });

/** What a form of the environment's page does. */
function begun(c: PageContext, work: (name: string) => Promise<string>): Promise<Response> {
  const name = c.req.param("name") ?? "";
  return act(
    c,
    () => work(name),
    (refused) => environmentPage(c, name, refused),
  );
}

interface Told {
  notice?: string | undefined;
  refusal?: Refusal;
  status?: number;
}

async function prunePage(c: PageContext, id: string, told: Told): Promise<Response> {
  const { after } = queryOf(c, z.object({ after: optional(recordKey) }).loose());
  const ledger = await c.var.ledger();
  const prune = await readPruneSoFar(ledger, id);
  const { role } = await readEnvironment(ledger, prune.environment);
  const found = await listRecords(ledger, id, {
    limit: ROWS + 1,
    ...(after !== undefined && { after }),
  });
  const { rows, next } = cut(found, ({ record }) => record);
  const kept = await keptIn(artifacts(), rows);
  const main = pruneView({
    prune: {
      ...listed(prune),
      ...{ release: prune.release, restores: prune.restores, error: prune.error },
      more: prune.facts.more === true,
    },
    role,
    records: rows.map((one) => ({ ...one, kept: kept.get(one.record) ?? [] })),
    ...{ next, further: after !== undefined, report: prune.report !== null },
    mayPromote: may(c.var.actor, "promote", prune.environment),
    ...{ once: randomUUID(), now: new Date(), csrf: formSecret(c) },
    ...{ notice: told.notice, refusal: told.refusal },
  });
  return show(c, { title: `Prune ${id}`, main, status: told.status, refresh: refreshOf([prune]) });
}

async function environmentPage(c: PageContext, name: string, told: Told): Promise<Response> {
  const ledger = await c.var.ledger();
  const environment = await readEnvironment(ledger, name);
  const policies = environment.release === null ? undefined : await policiesOf(c, name);
  const prunes = await listPrunes(ledger, { environment: name, limit: FEW });
  const holds = await listHolds(ledger, { environment: name, released: false, limit: ROWS + 1 });
  const backups = await listBackups(ledger, { environment: name, limit: OFFERED });
  const main = environmentPrunesView({
    environment,
    policies,
    prunes: prunes.map(listed),
    ...{ holds: holds.slice(0, ROWS), moreHolds: holds.length > ROWS },
    events: await listArchiveEvents(ledger, name, { limit: FEW }),
    backups: backups.filter(({ status }) => status !== "refused" && status !== "expired").map(({ id }) => id),
    mayPromote: may(c.var.actor, "promote", name),
    mayRelease: may(c.var.actor, "administer", name),
    ...{ once: randomUUID(), now: new Date(), csrf: formSecret(c) },
    ...{ notice: told.notice, refusal: told.refusal },
  });
  const busy = policies?.some(({ task }) => task !== null && !isTaskEnded(task.status));
  return show(c, {
    title: `Prunes of ${name}`,
    main,
    status: told.status,
    refresh: busy ? RELOADED : refreshOf(prunes),
  });
}

async function policiesOf(c: PageContext, name: string): Promise<PolicyView[]> {
  const ledger = await c.var.ledger();
  const tasks = await listTasks(ledger, { environment: name, limit: 100 });
  const all = await listPolicies(ledger, artifacts(), await readEnvironment(ledger, name));
  return all.map((one) => {
    const task = tasks.find(({ kind, input }) => kind === "prune-test" && input.policy === one.policy.name);
    return { ...policyView(one), task: task ?? null };
  });
}

function policyView({ policy, digest, test }: ListedPolicy): Omit<PolicyView, "task"> {
  const { name, root, graceSeconds, automate, keep, prune } = policy;
  return {
    ...{ name, root: root.key, grace: graceSeconds, automate },
    keeps: keep.map(({ table }) => table.key),
    prunes: prune.map(({ table }) => table.key),
    test:
      test === undefined
        ? null
        : { passed: test.passed, current: test.digest === digest, testedAt: test.testedAt, ...toldBy(test) },
  };
}

function listed(prune: Prune): ListedPrune {
  return { ...prune, counts: prunedSoFar(prune) };
}

const refreshOf = (prunes: readonly Prune[]) =>
  prunes.some(({ status }) => !isPruneEnded(status)) ? RELOADED : undefined;
