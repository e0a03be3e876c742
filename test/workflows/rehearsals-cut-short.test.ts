import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { executionArn, openStepFunctions } from "../../io/step-functions.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService } from "../service/local-service.ts";
import { expectSettled } from "../service/outcome.ts";
import { PROJECT, SCHEMA } from "../service/project.ts";

const server = newestServer();
const made: DatabaseAddress[] = [];
let service: LocalService;
let release: string;

beforeAll(async () => {
  service = await new LocalService(server.address, "cut-short").start();
  release = await service.release(PROJECT);
});

afterAll(async () => {
  await service?.stop();
  await dropDatabases(...made);
});

async function environment(name: string, policy: object = {}): Promise<DatabaseAddress> {
  const address = await freshDatabase(server, SCHEMA, `cut_${name}_${process.pid}`);
  made.push(address);
  await service.register(name, address, policy);
  return address;
}

const rehearse = async (environment: string) =>
  (await service.must<{ id: string }>("POST", "/promotions", { environment, release, rehearseOnly: true }))
    .id;

interface Task {
  id: string;
  status: string;
  error: unknown;
  outcome: Record<string, unknown>;
}

async function done(path: string, body: object): Promise<Task> {
  const { id } = await service.must<{ id: string }>("POST", path, body);
  for (;;) {
    const task = await service.must<Task>("GET", `/tasks/${id}`);
    if (task.status === "succeeded") return task;
    if (task.status === "failed") throw new Error(JSON.stringify(task.error));
  }
}

/** What a promotion leaves on the environment, and a rehearsal alone must not. */
const markOf = async (name: string, address: DatabaseAddress) => {
  const { state, release, fingerprint } = await service.must("GET", `/environments/${name}`);
  return {
    ...{ state, release, fingerprint, content: await contentOf(address) },
    identity: await rows(address, "select * from rehearsal.identity"),
  };
};

test("fault 42: a rehearsal alone whose execution is stopped from outside ends refused, leaves nothing, and frees its turn", async () => {
  const address = await environment("stopped");
  const before = await markOf("stopped", address);
  const gate = service.gate("restore:created");
  const id = await rehearse("stopped");
  await gate.reached();
  const arn = executionArn(service.variables.REHEARSAL_PROMOTION_MACHINE ?? "", id);
  const machines = openStepFunctions({ endpoint: service.stack.endpoints.stepFunctions });
  await machines.stopExecution(arn, "Stopped", "by hand");
  const refused = await service.until(id, "refused");
  gate.open();
  expect(refused.error).toMatchObject({ code: "StepDied" });
  await expectSettled(service, refused);
  expect(await markOf("stopped", address)).toEqual(before);
  await service.until(await rehearse("stopped"), "rehearsed");
});

test("overtaken when its copies are gone and its end is not yet written, it ends refused, and the promotion keeps its own copies", async () => {
  const address = await environment("late");
  const gate = service.gate("put-away:effect");
  const alone = await rehearse("late");
  await gate.reached();
  const held = service.gate("migrate:begun");
  const id = await service.promote("late", release);
  await held.reached();
  gate.open();
  const overtaken = await service.until(alone, "refused");
  expect(overtaken.error).toMatchObject({ code: "RehearsalOvertaken" });
  const copies = "select datname from pg_database where strpos(datname, $1) > 0";
  expect(await rows(server.address, copies, [id])).toHaveLength(1);
  held.open();
  await expectSettled(service, await service.until(id, "promoted"));
  await expectSettled(service, overtaken);
  await execute(address, "insert into videos (title) values ('after')");
});

test("a restore over its environment overtakes it as well, and what was restored stays as it is", async () => {
  const address = await environment("replaced");
  const { outcome } = await done("/environments/replaced/backups", {});
  await execute(address, "insert into videos (title) values ('later')");
  const gate = service.gate("rehearse:cloned");
  const alone = await rehearse("replaced");
  await gate.reached();
  const backup = String(outcome.backup);
  const task = await done(`/backups/${backup}/restore`, { over: "replaced", confirm: "replaced" });
  const before = await markOf("replaced", address);
  gate.open();
  const overtaken = await service.until(alone, "refused");
  expect(overtaken.error).toMatchObject({
    code: "RehearsalOvertaken",
    message: expect.stringContaining(task.id),
  });
  await expectSettled(service, overtaken);
  expect(await markOf("replaced", address)).toEqual(before);
  const kept = await rows<{ datname: string }>(
    server.address,
    "select datname from pg_database where datname like $1",
    [`cut_replaced_${process.pid}\\_\\_%`],
  );
  made.push(...kept.map(({ datname }) => ({ ...address, database: datname })));
});

test("one whose server is away when it ends is refused all the same and frees its turn; its copies are swept when the server is back", async () => {
  const spare = await freshDatabase(server, "select 1", `cut_spare_${process.pid}`);
  made.push(spare);
  const allow = (yes: boolean) =>
    execute(
      server.address,
      `update pg_database set datallowconn = ${yes} where datname = '${spare.database}'`,
    );
  const address = await environment("away", { maintenanceDatabase: spare.database, patience: 0 });
  const before = await markOf("away", address);
  const gate = service.gate("restore:restored");
  const id = await rehearse("away");
  await gate.reached();
  await service.must("POST", `/promotions/${id}/cancel`);
  const ended = service.gate("refuse:begun");
  gate.open();
  await ended.reached();
  await allow(false);
  ended.open();
  const refused = await service.until(id, "refused", "held");
  expect(refused).toMatchObject({ status: "refused", error: { code: "Cancelled" } });
  await allow(true);
  expect(await service.stack.lambda.invoke("sweep", {})).not.toHaveProperty("error");
  await expectSettled(service, refused);
  expect(await markOf("away", address)).toEqual(before);
  await service.until(await rehearse("away"), "rehearsed");
});
