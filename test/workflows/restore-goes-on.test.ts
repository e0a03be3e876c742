/** A restore whose function died, or ran out of its time, goes on in the next attempt: what was loaded and made is not loaded or made again. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { openSession } from "../../io/postgres/session.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { type Hook, startHook } from "../service/hook.ts";
import { LocalService, until } from "../service/local-service.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";
import { Service } from "../service/service.ts";
import { storedStateOf } from "../stored-state.ts";

const server = newestServer();
const made: DatabaseAddress[] = [];
afterAll(() => dropDatabases(...made));

async function environment(service: Service, name: string, policy: object = {}): Promise<DatabaseAddress> {
  const address = await freshDatabase(server, SCHEMA, `goes_on_${name}_${process.pid}`);
  made.push(address);
  await service.register(name, address, policy);
  return address;
}

interface Found {
  oid: number;
  address: DatabaseAddress;
}

/** The one copy that a promotion or a task has on the server. */
async function copyOf(address: DatabaseAddress, id: string): Promise<Found> {
  const found = await rows<{ oid: number; name: string }>(
    server.address,
    "select oid::int, datname::text as name from pg_database where strpos(datname, $1) > 0",
    [`_${id}_`],
  );
  expect(found).toHaveLength(1);
  return { oid: found[0]?.oid ?? 0, address: { ...address, database: found[0]?.name ?? "" } };
}

/** Of each object that is loaded the writer of its rows, of each entry that is made who made it: as the copy's own record has it. */
async function recordOf({ address }: Found) {
  const [record] = await rows<{ name: string }>(
    address,
    "select quote_ident(nspname) as name from pg_namespace where nspname ~ '^rehearsal_restore_'",
  );
  return rows(address, `select kind, id, writer::text from ${record?.name}.done order by kind, id`);
}

describe("fault 1: after kill -9 amid a restore the next attempt goes on, and loads and makes nothing again", () => {
  let service: Service;
  let smoke: Hook;

  beforeAll(async () => {
    smoke = await startHook(() => 500);
    service = await new Service(server.address, "restore-goes-on").start();
  });
  afterAll(async () => {
    await service.stop();
    await smoke.stop();
  });

  test("between objects, and amid what follows the rows: each is loaded and made once, and a rollback loses no later write", async () => {
    const address = await environment(service, "killed", {
      hooks: { smoke: smoke.url },
      decision: "approval",
    });
    service.killAt("restore:kept-object", "restore:kept-entry", "restore:filled");
    const id = await service.promote("killed", await service.release({ ...PROJECT, ...OUTSIDE }));
    let before: object[] = [];
    let marks: object[] = [];
    const oids = new Set<number>();
    for (const _ of [1, 2, 3]) {
      expect(await service.ended()).toBe("SIGKILL");
      const copy = await copyOf(address, id);
      oids.add(copy.oid);
      const [is, record] = [await storedStateOf(copy.address), await recordOf(copy)];
      expect(is).toEqual(expect.arrayContaining(before));
      expect(record).toEqual(expect.arrayContaining(marks));
      expect(record.length).toBeGreaterThan(Math.max(1, marks.length));
      [before, marks] = [is, record];
      await service.start();
    }
    await service.until(id, "waiting");
    expect(service.unfired()).toEqual([]);
    const copy = await copyOf(address, id);
    expect(await storedStateOf(copy.address)).toEqual(before);
    expect([...oids]).toEqual([copy.oid]);
    await execute(
      address,
      "insert into videos (title) values ('late'); update segments set text = 'late' where id = 7; delete from segments where id = 8",
    );
    const late = await contentOf(address);
    await service.must("POST", `/promotions/${id}/approve`, {}, service.keys.reviewer);
    await service.until(id, "rolled-back");
    made.push({ ...address, database: `${address.database}__failed_${id}` });
    expect(await contentOf(address)).toEqual(late);
  });

  test("a copy that somebody wrote to meanwhile is no word against the backup: another is made, and that one is believed", async () => {
    const address = await environment(service, "touched", { decision: "approval" });
    service.killAt("restore:filled");
    const id = await service.promote("touched", await service.release(PROJECT));
    expect(await service.ended()).toBe("SIGKILL");
    const copy = await copyOf(address, id);
    await execute(copy.address, "delete from segments where id = 1");
    await service.start();
    await service.until(id, "waiting");
    const other = await copyOf(address, id);
    expect(other.oid).not.toBe(copy.oid);
    expect(await contentOf(other.address)).toEqual(await contentOf(address));
    const { backups } = await service.must<{ backups: { status: string }[] }>(
      "GET",
      "/backups?environment=touched",
    );
    expect(backups.map(({ status }) => status)).toEqual(["verified"]);
    await service.must("POST", `/promotions/${id}/approve`, {}, service.keys.reviewer);
    await service.until(id, "promoted");
  });

  test("of a task: the database that comes of it is the one that was begun, and nothing else is left", async () => {
    const address = await environment(service, "task");
    const held = await contentOf(address);
    const backup = await service.promote("task", await service.release(PROJECT));
    await service.until(backup, "promoted");
    service.killAt("task-restore:kept-object", "task-restore:kept-entry");
    const [known] = (await service.must<{ backups: { id: string }[] }>("GET", "/backups?environment=task"))
      .backups;
    const to = `goes_on_restored_${process.pid}`;
    made.push({ ...address, database: to });
    const { id } = await service.must<{ id: string }>("POST", `/backups/${known?.id}/restore`, { to });
    let before: object[] = [];
    let oid = 0;
    for (const _ of [1, 2]) {
      expect(await service.ended()).toBe("SIGKILL");
      const copy = await copyOf(address, id);
      oid = copy.oid;
      before = await storedStateOf(copy.address);
      await service.start();
    }
    await until(
      async () => (await service.must<{ status: string }>("GET", `/tasks/${id}`)).status === "succeeded",
    );
    const named = await rows<{ oid: number }>(
      server.address,
      "select oid::int from pg_database where datname = $1",
      [to],
    );
    expect(named).toEqual([{ oid }]);
    const restored = { ...address, database: to };
    expect(await storedStateOf(restored)).toEqual(expect.arrayContaining(before));
    expect(await contentOf(restored)).toEqual(held);
    expect(
      await rows(server.address, "select datname from pg_database where strpos(datname, $1) > 0", [
        `_${id}_`,
      ]),
    ).toEqual([]);
  });
});

describe("fault 2: a restore that outlasts its function goes on in the next call, as long as something comes to stay", () => {
  let service: LocalService;

  beforeAll(async () => {
    service = await new LocalService(server.address, "restore-outlasts", {
      limits: { restore: { timeoutSeconds: 8 } },
    }).start();
  });
  afterAll(() => service.stop());

  test("stops in time, is called again, and does the rest", async () => {
    const address = await environment(service, "long");
    const gate = service.gate("restore:kept-object");
    const id = await service.promote("long", await service.release({ ...PROJECT, ...OUTSIDE }));
    await gate.reached();
    const copy = await copyOf(address, id);
    const marks = await recordOf(copy);
    // What is to be made on it waits, until those who go on end every session of the copy.
    const blocker = await openSession(copy.address, { application: "blocker" });
    const blocked = blocker.execute("begin; lock table public.videos").catch((error: unknown) => error);
    await until(async () => {
      const asked =
        "select from pg_locks where relation = 'public.videos'::regclass and mode = 'AccessExclusiveLock'";
      return (await rows(copy.address, asked)).length > 0;
    });
    gate.open();
    const detail = await service.until(id, "promoted");
    await blocked;
    await blocker.close();
    const attempts = detail.steps.filter(({ step }) => step === "restore");
    expect(attempts.map(({ status }) => status)).toEqual(["yielded", "succeeded"]);
    expect(marks.length).toBeGreaterThan(1);
    const pristine = await rows<{ oid: number }>(
      { ...server.address, database: service.control.database },
      "select (facts->'pristine'->>'oid')::int as oid from ledger.promotions where id = $1",
      [id],
    );
    expect(pristine).toEqual([{ oid: copy.oid }]);
  });

  test("is refused where nothing of it came to stay, for another call would have as much to do", async () => {
    const address = await environment(service, "stuck");
    const before = await contentOf(address);
    const gate = service.gate("restore:created");
    const id = await service.promote("stuck", await service.release(PROJECT));
    await gate.reached();
    const copy = await copyOf(address, id);
    const blocker = await openSession(copy.address, { application: "blocker" });
    await blocker.execute("begin; lock table pg_catalog.pg_namespace in exclusive mode");
    gate.open();
    const detail = await service.until(id, "refused");
    await blocker.close();
    expect(detail.error).toMatchObject({
      code: "OutlastsFunction",
      hint: expect.stringContaining("compute: fargate"),
    });
    expect(await contentOf(address)).toEqual(before);
  });
});
