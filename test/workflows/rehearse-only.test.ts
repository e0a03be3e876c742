import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService } from "../service/local-service.ts";
import { expectEvents, expectSettled } from "../service/outcome.ts";
import { PROJECT, SCHEMA } from "../service/project.ts";
import { type Detail, Service } from "../service/service.ts";

const BROKEN = {
  ...PROJECT,
  "migrations/0003_bad.sql": "alter table segments add constraint once unique (text);\n",
};

/** What a promotion leaves on the environment, and a rehearsal alone must not. */
async function markOf(service: Service, name: string, address: DatabaseAddress) {
  const { state, release, fingerprint } = await service.must("GET", `/environments/${name}`);
  return {
    ...{ state, release, fingerprint, content: await contentOf(address) },
    identity: await rows(address, "select * from rehearsal.identity"),
  };
}

const rehearse = async (service: Service, environment: string, release: string) =>
  (await service.must<{ id: string }>("POST", "/promotions", { environment, release, rehearseOnly: true }))
    .id;

describe("a promotion that only rehearses", () => {
  const server = newestServer();
  const made: DatabaseAddress[] = [];
  let service: LocalService;
  let release: string;

  beforeAll(async () => {
    service = await new LocalService(server.address, "rehearse-only").start();
    release = await service.release(PROJECT);
  });

  afterAll(async () => {
    await service.stop();
    await dropDatabases(...made);
  });

  async function environment(name: string, policy: object = {}): Promise<DatabaseAddress> {
    const address = await freshDatabase(server, SCHEMA, `alone_${name}_${process.pid}`);
    made.push(address);
    await service.register(name, address, policy);
    return address;
  }

  test("ends rehearsed: nothing of production or its environment has changed, the copies are gone, the report and the evidence are kept", async () => {
    const address = await environment("well", { decision: "approval" });
    const before = await markOf(service, "well", address);
    const id = await rehearse(service, "well", release);
    const detail = await service.until(id, "rehearsed");
    expect(await markOf(service, "well", address)).toEqual(before);
    expect(detail.steps.map(({ step }) => step)).toEqual([
      ...["admit", "snapshot", "back-up", "restore", "rehearse", "put-away"],
    ]);
    expect(detail).toMatchObject({ rehearseOnly: true, evidence: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(await service.must("GET", `/promotions/${id}/report`)).toMatchObject({
      promotion: id,
      runs: [{}],
    });
    await expectSettled(service, detail);
    await expectEvents(service, id, { "promotion.rehearsed": 1, "promotion.sealed": 1, "decide.done": 0 });
    // Its backup served the rehearsal, and is nobody's promise.
    const { backups } = await service.must<{ backups: { promotion: string; retainUntil: string }[] }>(
      "GET",
      "/backups?environment=well",
    );
    expect(backups).toMatchObject([{ promotion: id, status: "verified" }]);
    expect(Date.parse(backups[0]?.retainUntil ?? "")).toBeLessThanOrEqual(Date.now());

    for (const verb of ["approve", "reject"])
      expect(
        await service.call("POST", `/promotions/${id}/${verb}`, {}, { key: service.keys.reviewer }),
      ).toMatchObject({
        status: 409,
        body: { code: "RehearsalOnly", hint: expect.stringContaining("start a promotion of its release") },
      });
    expect(await service.call("POST", `/promotions/${id}/rollback`, { confirm: "well" })).toMatchObject({
      status: 409,
      body: { code: "RollbackNotPossible" },
    });
    for (const step of ["decide", "fence", "migrate", "verify", "open"])
      expect(await service.stack.lambda.invoke(step, { promotion: id, token: "t" })).toMatchObject({
        error: { errorType: "AttemptStale" },
      });
    expect(await markOf(service, "well", address)).toEqual(before);
  });

  test("is refused where the release breaks on the copy", async () => {
    const address = await environment("broken");
    const before = await markOf(service, "broken", address);
    const refused = await service.until(
      await rehearse(service, "broken", await service.release(BROKEN)),
      "refused",
    );
    expect(refused.error).toMatchObject({ code: "MigrationFailed" });
    expect(await markOf(service, "broken", address)).toEqual(before);
    await expectSettled(service, refused);
  });

  test("gives way to a promotion, which does not wait for it: its copies go first, it ends refused, and the next has to wait", async () => {
    const address = await environment("way");
    const gate = service.gate("rehearse:cloned");
    const alone = await rehearse(service, "way", release);
    await gate.reached();
    expect(
      await service.call("POST", "/promotions", { environment: "way", release, rehearseOnly: true }),
    ).toMatchObject({ status: 409, body: { code: "EnvironmentLocked", facts: { promotion: alone } } });
    const held = service.gate("snapshot:begun");
    const id = await service.promote("way", release);
    await held.reached();
    // Admission has made room, while the step that was overtaken is still held up.
    const copies = "select datname from pg_database where strpos(datname, $1) > 0";
    expect(await rows(server.address, copies, [alone])).toEqual([]);
    expect(
      await service.call("POST", "/promotions", { environment: "way", release, rehearseOnly: true }),
    ).toMatchObject({ status: 409, body: { code: "EnvironmentLocked", facts: { promotion: id } } });
    gate.open();
    const overtaken = await service.until(alone, "refused");
    expect(overtaken.error).toMatchObject({
      code: "RehearsalOvertaken",
      hint: expect.stringContaining(`rehearsal watch ${id}`),
    });
    held.open();
    await expectSettled(service, await service.until(id, "promoted"));
    await expectSettled(service, overtaken);
    // Where nothing is pending there is nothing to rehearse, and the environment keeps the release it was promoted to.
    const promoted = await markOf(service, "way", address);
    expect(promoted).toMatchObject({ release, identity: [{ state: "canonical", promotion: null }] });
    const same = await service.release({ ...PROJECT, "rehearsal.yaml": "project: videos\n# the same\n" });
    const nothing = await service.until(await rehearse(service, "way", same), "nothing-to-do");
    expect(nothing.steps.map(({ step }) => step)).toEqual(["admit", "put-away"]);
    expect(await markOf(service, "way", address)).toEqual(promoted);
  });

  test.each([
    ["restore:restored", ["admit", "snapshot", "back-up", "restore"]],
    ["rehearse:cloned", ["admit", "snapshot", "back-up", "restore", "rehearse"]],
  ])("can be cancelled at %s, and ends refused with its copies gone", async (point, done) => {
    const name = `cancel-${point.split(":")[0]}`;
    const address = await environment(name);
    const before = await markOf(service, name, address);
    const gate = service.gate(point);
    const id = await rehearse(service, name, release);
    await gate.reached();
    await service.must("POST", `/promotions/${id}/cancel`);
    gate.open();
    const detail = await service.until(id, "refused", "rehearsed");
    expect(detail).toMatchObject({ status: "refused", error: { code: "Cancelled" } });
    const succeeded = detail.steps.filter(({ status }) => status === "succeeded").map(({ step }) => step);
    expect(succeeded).toEqual([...done, "refuse"]);
    await expectSettled(service, detail);
    expect(await markOf(service, name, address)).toEqual(before);
  });
});

test("fault 1: a rehearsal alone that is killed goes on to its end, and leaves nothing behind", async () => {
  const server = newestServer();
  const address = await freshDatabase(server, SCHEMA, `alone_killed_${process.pid}`);
  const service = await new Service(server.address, "alone-killed").start();
  try {
    await service.register("killed", address);
    const before = await markOf(service, "killed", address);
    const release = await service.release(PROJECT);
    const points = ["rehearse:swapped", "put-away:effect"];
    service.killAt(...points);
    const id = await rehearse(service, "killed", release);
    for (const _ of points) {
      expect(await service.ended()).toBe("SIGKILL");
      await service.start();
    }
    const detail: Detail = await service.until(id, "rehearsed");
    expect(service.unfired()).toEqual([]);
    expect(await markOf(service, "killed", address)).toEqual(before);
    await expectSettled(service, detail);
    await execute(address, "insert into videos (title) values ('after')");
  } finally {
    await service.stop();
    await dropDatabases(address);
  }
});
