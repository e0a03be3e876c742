import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService } from "../service/local-service.ts";
import { eventTypes, expectSettled, expectUntouched } from "../service/outcome.ts";
import { planned } from "../service/planned.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";

/** Hours by which the clocks of some sandboxes are wrong: of neighbours in the workflow, one way and the other. */
const SKEW = "admit=5,snapshot=-9,restore=30,rehearse=-2,decide=7,migrate=-30,verify=4,open=-11,reconcile=13";

describe("production that is not what was rehearsed", () => {
  const server = newestServer();
  const made: DatabaseAddress[] = [];
  let service: LocalService;

  beforeAll(async () => {
    service = await new LocalService(server.address, "drift", {
      environment: { REHEARSAL_TEST_SKEW: SKEW },
    }).start();
  });

  afterAll(async () => {
    await service.stop();
    await dropDatabases(...made);
  });

  async function environment(name: string, policy: object = {}): Promise<DatabaseAddress> {
    const address = await freshDatabase(server, SCHEMA, `drift_${name}_${process.pid}`);
    made.push(address);
    await service.register(name, address, policy);
    return address;
  }

  async function approve(id: string): Promise<void> {
    await service.must("POST", `/promotions/${id}/approve`, {}, service.keys.reviewer);
  }

  /** Promotes with a row that comes while a person thinks, of which the shape tells nothing; must be refused for `error`. */
  async function refusedForLateRow(
    name: string,
    files: Record<string, string>,
    error: object,
  ): Promise<string> {
    const address = await environment(name, { decision: "approval" });
    const id = await service.promote(name, await service.release(files));
    await service.until(id, "waiting");
    await execute(address, "insert into videos (title) values ('late')");
    const before = await contentOf(address);
    await approve(id);
    const detail = await service.until(id, "refused");
    expect(detail.error).toMatchObject(error);
    await expectUntouched(service, detail, address, before);
    return id;
  }

  test("fault 37: with the clocks of the steps hours apart a promotion goes its way, and the log's order is its numbers'", async () => {
    await environment("clocks");
    const release = await service.release({ ...PROJECT, ...OUTSIDE });
    const id = await service.promote("clocks", release);
    const detail = await service.until(id, "promoted");
    await expectSettled(service, detail);
    const { entries } = await service.must<{ entries: { body: string }[] }>(
      "GET",
      `/promotions/${id}/log?limit=200`,
    );
    const events = entries.map(({ body }) => JSON.parse(body) as { seq: number; at: string; type: string });
    expect(events.map(({ seq }) => seq)).toEqual(events.map(({ seq }) => seq).sort((a, b) => a - b));
    expect(events.filter(({ type }) => type.endsWith(".done")).map(({ type }) => type)).toEqual(
      [
        "admit",
        "snapshot",
        "back-up",
        "restore",
        "rehearse",
        "decide",
        "fence",
        "migrate",
        "verify",
        "open",
      ].map((step) => `${step}.done`),
    );
    // The clocks were as wrong as was meant, and the times they wrote run backwards.
    const at = (type: string) => Date.parse(events.find((event) => event.type === type)?.at ?? "");
    expect(Math.round((at("snapshot.done") - at("admit.done")) / 3_600_000)).toBe(-14);
    expect(Math.round((at("migrate.done") - at("verify.done")) / 3_600_000)).toBe(-34);
  });

  test.each([
    ["", {}],
    [", behind a fence", OUTSIDE],
  ])(
    "fault 28: a column that somebody adds while a person is asked is found before anything is done%s",
    async (fenced, files) => {
      const name = fenced === "" ? "drift-asked" : "drift-asked-fenced";
      const address = await environment(name, { decision: "approval" });
      const id = await service.promote(name, await service.release({ ...PROJECT, ...files }));
      await service.until(id, "waiting");
      await execute(address, "alter table segments add column by_hand int");
      const drifted = await contentOf(address);
      await approve(id);
      const detail = await service.until(id, "refused");
      expect(detail.error).toMatchObject({
        code: "DriftFound",
        message: expect.stringContaining(name),
        hint: expect.stringContaining("undo the change made by hand"),
      });
      await expectUntouched(service, detail, address, drifted);
      // Nor is it forgotten: the next promotion finds it at the door, with what differs.
      const next = await service.until(
        await service.promote(name, await service.release({ ...PROJECT, ...files })),
        "refused",
      );
      expect(next.error).toMatchObject({ code: "DriftFound", message: expect.stringContaining("by_hand") });
      await execute(address, "alter table segments drop column by_hand");
    },
  );

  test.each(["migrate:begun", "fence:begun"])(
    "fault 28: a change made after the approval, at %s, is found as well",
    async (point) => {
      const name = point.replace(":", "-");
      const address = await environment(name, { decision: "approval" });
      const files = point.startsWith("fence") ? OUTSIDE : {};
      const gate = service.gate(point);
      const id = await service.promote(name, await service.release({ ...PROJECT, ...files }));
      await service.until(id, "waiting");
      await approve(id);
      await gate.reached();
      await execute(address, "create function by_hand() returns int language sql return 1");
      const drifted = await contentOf(address);
      gate.open();
      const detail = await service.until(id, "refused");
      expect(detail.error).toMatchObject({
        code: "DriftFound",
        hint: expect.stringContaining("then try again"),
      });
      await expectUntouched(service, detail, address, drifted);
    },
  );

  test("fault 38: a migration that makes another shape of other data is taken back by its own transaction", async () => {
    const files = {
      ...PROJECT,
      "migrations/0003_conditional.sql": `do $$ begin
  if exists (select from public.videos where title = 'late') then create table public.only_there (id int); end if;
end $$;`,
    };
    const id = await refusedForLateRow("other-data", files, {
      code: "ShapeUnexpected",
      message: expect.stringContaining("only_there"),
      hint: expect.stringContaining("look for conditions on data or roles"),
    });
    expect(await eventTypes(service, id)).toContain("migrate.failed");
  });

  test("fault 38: rows written to a table that the rehearsal left alone are taken back as well", async () => {
    const files = {
      ...PROJECT,
      "migrations/0003_conditional.sql": `update public.videos set title = 'changed' where title = 'late';`,
    };
    await refusedForLateRow("other-table", await planned(files), {
      code: "KeptDataChanged",
      message: expect.stringContaining("videos"),
      hint: expect.stringContaining("acts differently here"),
    });
  });

  test("a table that is rewritten in production alone takes the transaction back, though no row is counted", async () => {
    const body =
      "begin if exists (select from public.videos where title = 'late') then alter table public.videos alter column title type text using ''; end if; end";
    const files = {
      ...PROJECT,
      "migrations/0003_conditional.sql": `create function act() returns void language plpgsql as $$ ${body} $$;\nselect act();\n`,
    };
    await refusedForLateRow("rewritten", await planned(files), {
      code: "KeptDataChanged",
      message: expect.stringContaining('"public"."videos" was emptied, rewritten or replaced'),
      hint: expect.stringContaining("acts differently here"),
    });
  });

  const HERE_ONLY = {
    "checks/only_on_copies.sql":
      "select current_database() as name where current_database() not like '%\\_\\_rehearsed\\_%';\n",
  };

  test("fault 38: a check that fails in production alone takes the transaction back", async () => {
    const address = await environment("check");
    const before = await contentOf(address);
    const release = await service.release({ ...PROJECT, ...HERE_ONLY });
    const detail = await service.until(await service.promote("check", release), "refused");
    expect(detail.error).toMatchObject({
      code: "CheckFailed",
      message: expect.stringContaining("checks/only_on_copies.sql"),
      hint: expect.stringContaining("mend the data or the migration"),
    });
    await expectUntouched(service, detail, address, before);
  });

  test("fault 38: a check that fails when something was committed brings the copy back", async () => {
    const address = await environment("check-swap");
    const before = await contentOf(address);
    const release = await service.release({ ...PROJECT, ...OUTSIDE, ...HERE_ONLY });
    const detail = await service.until(await service.promote("check-swap", release), "rolled-back");
    expect(detail.error).toMatchObject({
      code: "CheckFailed",
      message: expect.stringContaining("only_on_copies"),
    });
    const failed = expect.stringContaining(`__failed_${detail.id}`);
    await expectUntouched(service, detail, address, before, [failed]);
    const [kept] = await rows<{ datname: string }>(
      service.server,
      "select datname from pg_database where strpos(datname, $1) > 0",
      [`__failed_${detail.id}`],
    );
    made.push({ ...address, database: kept?.datname ?? "" });
    // What was migrated is there to be looked at.
    expect(
      await rows(
        { ...address, database: kept?.datname ?? "" },
        "select count(*)::int as n from public.speakers",
      ),
    ).toEqual([{ n: 2 }]);
  });
});
