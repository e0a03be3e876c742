import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { freePort } from "../../local/postgres.ts";
import { dropDatabases, ends, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { startHook } from "../service/hook.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";
import { Service } from "../service/service.ts";
import { startWriter } from "../service/writer.ts";

// The servers between run alone in the pipeline's matrix, and with the others in the rooms' own tests.
describe.each(ends)("a whole promotion over HTTP on Postgres $major", (server) => {
  let service: Service;
  const made: DatabaseAddress[] = [];

  beforeAll(async () => {
    service = await new Service(server.address, `promotion-${server.major}`, {
      permissions: "enforced",
    }).start();
  });

  afterAll(async () => {
    await service.stop();
    await dropDatabases(...made);
  });

  async function environment(name: string, policy: object = {}): Promise<DatabaseAddress> {
    const address = await freshDatabase(server, SCHEMA, `${name}_${server.major}_${process.pid}`);
    made.push(address);
    await service.register(name, address, policy);
    return address;
  }

  test("a release that is sound is promoted, and everything it made for itself is gone", async () => {
    const address = await environment("good");
    const release = await service.release(PROJECT);
    const id = await service.promote("good", release);
    const detail = await service.until(id, "promoted");
    expect(detail.steps.filter((step) => step.status === "succeeded").map((step) => step.step)).toEqual([
      "admit",
      "snapshot",
      "back-up",
      "restore",
      "rehearse",
      "decide",
      "migrate",
      "verify",
      "open",
    ]);
    expect(await rows(address, "select count(*)::int as n from public.speakers")).toEqual([{ n: 2 }]);
    expect(await rows(address, "select state, promotion from rehearsal.identity")).toEqual([
      { state: "canonical", promotion: null },
    ]);
    expect(await rows(address, "select datname from pg_database where datname like $1", [`%${id}%`])).toEqual(
      [],
    );
    const again = await service.promote("good", release);
    await service.until(again, "nothing-to-do");
    expect(await service.must("GET", "/log/verify")).not.toHaveProperty("broken");
  });

  test("a failure after COMMIT is rolled back by swap: the content is the old, and the failed database is kept", async () => {
    const smoke = await startHook(() => 500);
    const address = await environment("smoke", { hooks: { smoke: smoke.url } });
    const before = await contentOf(address);
    const release = await service.release({ ...PROJECT, ...OUTSIDE });
    const id = await service.promote("smoke", release);
    const detail = await service.until(id, "rolled-back");
    await smoke.stop();
    expect(detail.error).toMatchObject({ code: "HookFailed", hint: expect.stringContaining(smoke.url) });
    expect(await contentOf(address)).toEqual(before);
    const failed = `${address.database}__failed_${id}`;
    made.push({ ...address, database: failed });
    expect(
      await rows({ ...address, database: failed }, "select count(*)::int as n from public.speakers"),
    ).toEqual([{ n: 2 }]);
    expect(await rows(address, "select datname from pg_database where datname like $1", [`%${id}%`])).toEqual(
      [{ datname: failed }],
    );
    // The environment is free again, and the same release can be tried anew.
    await service
      .until(await service.promote("smoke", release), "rolled-back", "held")
      .then(async (second) => {
        made.push({ ...address, database: `${address.database}__failed_${second.id}` });
        expect(second.status).toBe("rolled-back");
      });
  });

  test("a fenced promotion keeps every write made until the fence, and turns away an application that reconnects at once", async () => {
    const smoke = await startHook(() => 200);
    const fenced = await environment("fenced", { hooks: { smoke: smoke.url } });
    const release = await service.release({ ...PROJECT, ...OUTSIDE });
    const writer = startWriter(fenced);
    await service.until(await service.promote("fenced", release), "promoted");
    const wrote = await writer.stop();
    await smoke.stop();
    expect(wrote.accepted.length).toBeGreaterThan(0);
    expect(wrote.refused).toBeGreaterThan(0);
    const kept = await rows<{ title: string }>(
      fenced,
      "select title from public.videos where title like 'live %'",
    );
    expect(kept.map(({ title }) => title).sort()).toEqual(wrote.accepted.sort());
  });

  test("writes that reached production between the backup and the fence are in the database that a rollback brings back", async () => {
    const address = await environment("late", {
      hooks: { smoke: `http://127.0.0.1:${await freePort()}/` },
      decision: "approval",
    });
    const release = await service.release({ ...PROJECT, ...OUTSIDE });
    const id = await service.promote("late", release);
    await service.until(id, "waiting");
    // The backup is long made; these writes come after it.
    await execute(
      address,
      "insert into videos (title) values ('late 1'); update segments set text = 'late' where id = 5; select nextval('videos_id_seq'); select lo_put(4242, 0, 'THE')",
    );
    const before = await contentOf(address);
    await service.must("POST", `/promotions/${id}/approve`, {}, service.keys.reviewer);
    await service.until(id, "rolled-back");
    made.push({ ...address, database: `${address.database}__failed_${id}` });
    expect(await contentOf(address)).toEqual(before);
  });

  // What a migration breaks is told by the rooms' own tests on every server, and who decides is asked in the ledger.
  if (server !== newestServer()) return;

  test("a migration that breaks on the copy is refused, and production is as it was", async () => {
    const address = await environment("broken");
    const before = await contentOf(address);
    const release = await service.release({
      ...PROJECT,
      "migrations/0003_unique.sql": "alter table segments add constraint one_text unique (text);",
    });
    const detail = await service.until(await service.promote("broken", release), "refused");
    expect(detail.error).toMatchObject({
      code: "MigrationFailed",
      hint: expect.stringContaining("new release"),
    });
    expect(detail.error?.message).toContain("migrations/0003_unique.sql:1");
    expect(await contentOf(address)).toEqual(before);
  });

  test("an approval is bound to the evidence: for other evidence it is refused, for what stands it promotes", async () => {
    const given = await environment("given", { decision: "approval" });
    const id = await service.promote("given", await service.release(PROJECT));
    const { evidence } = await service.until(id, "waiting");
    const approve = (named: string | null) =>
      service.call("POST", `/promotions/${id}/approve`, { evidence: named }, { key: service.keys.reviewer });
    expect(await approve("0".repeat(64))).toMatchObject({ status: 409, body: { code: "EvidenceChanged" } });
    expect((await approve(evidence)).status).toBe(200);
    await service.until(id, "promoted");
    expect(await rows(given, "select count(*)::int as n from public.speakers")).toEqual([{ n: 2 }]);
  });

  test("a rejected promotion has not touched production", async () => {
    await expectUntouched("rejected", {}, "ApprovalRejected", (id) =>
      service.must("POST", `/promotions/${id}/reject`, { comment: "not today" }, service.keys.reviewer),
    );
  });

  test("a cancelled promotion has not touched production", async () => {
    await expectUntouched("cancelled", {}, "Cancelled", (id) =>
      service.must("POST", `/promotions/${id}/cancel`),
    );
  });

  test("fault 11: a promotion whose approval timed out has not touched production", async () => {
    await expectUntouched("expired", { approvalTimeout: 1 }, "ApprovalExpired", async () => undefined);
  });

  /** Follows a promotion that waits for an approval to its refusal, whatever `act` does; late approvals change nothing. */
  async function expectUntouched(
    name: string,
    policy: object,
    code: string,
    act: (id: string) => Promise<unknown>,
  ): Promise<void> {
    const address = await environment(name, { decision: "approval", ...policy });
    const before = await contentOf(address);
    const id = await service.promote(name, await service.release(PROJECT));
    await service.until(id, "waiting", "refused");
    await act(id);
    expect((await service.until(id, "refused")).error).toMatchObject({ code });
    expect(await contentOf(address)).toEqual(before);
    expect(await rows(address, "select state, promotion from rehearsal.identity")).toEqual([
      { state: "writeable", promotion: null },
    ]);
    const late = await service.call("POST", `/promotions/${id}/approve`, {}, { key: service.keys.reviewer });
    expect(late).toMatchObject({ status: 409, body: { code: "ApprovalNotWanted" } });
  }
  test("each function had what it asked for from its own role", () => {
    expect(service.denied()).toEqual([]);
  });
});
