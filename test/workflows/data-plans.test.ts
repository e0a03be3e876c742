import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import type { RehearsalReport } from "../../core/report.ts";
import { dropDatabases, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService } from "../service/local-service.ts";
import { eventTypes, expectUntouched } from "../service/outcome.ts";
import { planned } from "../service/planned.ts";

const SCHEMA = `
create table files (id int primary key, kind text not null, doc_no text, touched timestamptz);
create table idempotency_keys (id int primary key);
create table "a.b ""T""" (id int primary key, "new
line" text);
create table versions (id int primary key, file int references files on delete cascade);
create table notes (id int primary key, at timestamptz);
create sequence numbers;
create function next_no() returns text language sql as $$ select 'no ' || nextval('numbers') $$;
create function noted(one int) returns text language sql as $$ insert into notes values (one, clock_timestamp()) returning 'noted' $$;
insert into files select g, case when g % 4 = 0 then 'document' else 'input' end, case when g % 2 = 0 then 'no ' || g end from generate_series(1, 100) g;
insert into idempotency_keys select generate_series(1, 7);
insert into "a.b ""T""" select g, 'x' from generate_series(1, 3) g;
insert into versions select g, g from generate_series(1, 100) g;
`;

const DROPS = `drop table idempotency_keys;
alter table files drop column doc_no;
alter table "a.b ""T""" drop column "new
line";
update files set kind = 'input' where kind = 'document';
`;

describe("data plans", { timeout: 120_000 }, () => {
  const server = newestServer();
  const service = new LocalService(server.address, "plans");
  const made: DatabaseAddress[] = [];

  beforeAll(async () => {
    await service.start();
  });

  afterAll(async () => {
    await service.stop();
    await dropDatabases(...made);
  });

  async function environment(name: string, policy: object = {}): Promise<DatabaseAddress> {
    const address = await freshDatabase(server, SCHEMA, `plans_${name}_${process.pid}`);
    made.push(address);
    await service.register(name, address, policy);
    return address;
  }

  const filesOf = (sql: string) => ({
    "rehearsal.yaml": "project: files\n",
    "migrations/0001_change.sql": sql,
  });

  /** Promotes, and expects a refusal that left production as it was. */
  async function refused(name: string, address: DatabaseAddress, files: Record<string, string>) {
    const before = await contentOf(address);
    const detail = await service.until(await service.promote(name, await service.release(files)), "refused");
    await expectUntouched(service, detail, address, before);
    return { ...detail.error, step: detail.steps.findLast(({ status }) => status === "failed")?.step };
  }

  const report = (id: string) => service.must<RehearsalReport>("GET", `/promotions/${id}/report`);

  async function page(id: string, format: "md" | "html"): Promise<string> {
    const response = await fetch(`${service.url}/promotions/${id}/report?format=${format}`, {
      headers: { authorization: `Bearer ${service.keys.operator}` },
    });
    return response.text();
  }

  test("what is not additive is refused at the door without a plan, and with a plan of something else", async () => {
    const address = await environment("gate");
    expect(await refused("gate", address, filesOf(DROPS))).toMatchObject({
      code: "PlanMissing",
      step: "admit",
      message: expect.stringMatching(/line 1: drop table "idempotency_keys" \([0-9a-f]{16}\); line 2: /),
      hint: expect.stringContaining("rehearsal plan draft 0001"),
    });
    const files = await planned(filesOf(DROPS));
    const asked = {
      environment: "gate",
      release: await service.release({ ...files, ...filesOf(`${DROPS} drop table versions;`) }),
    };
    expect(await service.call("POST", "/plans", asked)).toMatchObject({
      status: 422,
      body: { code: "PlanTooNarrow", detail: expect.stringContaining('line 6: drop table "versions"') },
    });
    // Not a word is needed for what only adds, nor where plans are optional.
    const additive = await service.release(filesOf("alter table files add column note text;"));
    await service.until(await service.promote("gate", additive), "promoted");
  });

  test("abuse 1, abuse 2, abuse 28: a plan is shown before it is approved, bound to the approval, told in the log, and what is lost is counted", async () => {
    await environment("approved", { decision: "approval" });
    const files = await planned(filesOf(DROPS), (plan) =>
      plan
        .replace(
          /notes:\n.*\n/,
          "notes: ['cursors reset; <b>clients</b> refetch | all']\napprovers: [reviewer]\n",
        )
        .replace("table idempotency_keys: all rows", "table idempotency_keys: 7"),
    );
    const release = await service.release(files);
    const preview = await service.must<Record<string, unknown>>("POST", "/plans", {
      environment: "approved",
      release,
    });
    const note = "cursors reset; <b>clients</b> refetch | all";
    expect(preview).toMatchObject({
      plans: [{ path: "plans/0001.yaml", notes: [note], approvers: ["reviewer"] }],
      runs: [{ files: [{ statements: Array(4).fill({ plan: "plans/0001.yaml", unplanned: false }) }] }],
    });
    const id = await service.promote("approved", release);
    const waiting = await service.until(id, "waiting");
    expect(waiting).toMatchObject({ plans: [{ notes: [note] }] });

    const other = await service.release(
      await planned({ ...files, "plans/0001.yaml": `${files["plans/0001.yaml"]}# edited\n` }),
    );
    await environment("edited", { decision: "approval" });
    const edited = await service.promote("edited", other);
    await service.until(edited, "waiting");
    expect(
      await service.call(
        "POST",
        `/promotions/${edited}/approve`,
        { evidence: waiting.evidence },
        { key: service.keys.reviewer },
      ),
    ).toMatchObject({
      status: 409,
      body: { code: "EvidenceChanged", hint: expect.stringContaining("read the report again") },
    });
    await service.must("POST", `/promotions/${edited}/reject`, {}, service.keys.reviewer);

    expect(await service.call("POST", `/promotions/${id}/approve`, {})).toMatchObject({
      status: 403,
      body: { code: "ApproverNotNamed", hint: "let one of them approve: reviewer" },
    });
    expect(
      await service.must(
        "POST",
        `/promotions/${id}/approve`,
        { evidence: waiting.evidence },
        service.keys.reviewer,
      ),
    ).toMatchObject({ plans: [{ notes: [note] }] });
    await service.until(id, "promoted");
    expect(await eventTypes(service, id)).toContain("promotion.planned");
    const { entries } = await service.must<{ entries: { body: string }[] }>(
      "GET",
      `/promotions/${id}/log?limit=200`,
    );
    expect(entries.some(({ body }) => body.includes("cursors reset"))).toBe(true);

    expect((await report(id)).plans).toMatchObject([
      {
        statements: [
          { line: 1, losses: [{ object: "table idempotency_keys", measured: 7, planned: 7 }] },
          { line: 2, losses: [{ object: "column files.doc_no", measured: 50, planned: "all values" }] },
          { line: 3, losses: [{ object: 'column "a.b ""T"""."new\nline"', measured: 3 }] },
          { line: 5, losses: [{ object: "rows of files", measured: 25 }] },
        ],
      },
    ]);
    const markdown = await page(id, "md");
    expect(markdown).toContain("`table idempotency_keys: 7 rows, planned at most 7`");
    expect(markdown).toContain("`cursors reset; <b>clients</b> refetch \\| all`");
    expect(await page(id, "html")).toContain("cursors reset; &lt;b&gt;clients&lt;/b&gt; refetch | all");
  });

  test("a plan that names who must approve is refused where nobody is asked", async () => {
    const address = await environment("unasked");
    const files = await planned(filesOf(DROPS), (plan) => `${plan}approvers: [somebody]\n`);
    expect(await refused("unasked", address, files)).toMatchObject({
      code: "ApproversUnasked",
      step: "admit",
      hint: expect.stringContaining("approval"),
    });
  });

  test("more lost than planned, and a change that no plan names, are found on the copy", async () => {
    const address = await environment("measured");
    const bounded = await planned(filesOf(DROPS), (plan) =>
      plan.replace("idempotency_keys: all rows", "idempotency_keys: 5"),
    );
    expect(await refused("measured", address, bounded)).toMatchObject({
      code: "LossBeyondPlan",
      step: "rehearse",
      message: expect.stringContaining("table idempotency_keys: 7, planned 5"),
      hint: expect.stringContaining('"loses"'),
    });
    const cascading = filesOf("delete from files where id <= 10;");
    expect(await refused("measured", address, await planned(cascading))).toMatchObject({
      code: "ChangeUnplanned",
      step: "rehearse",
      message: expect.stringContaining("public.versions (rows updated or deleted)"),
      hint: expect.stringContaining('"reaches"'),
    });
    const beyond = await planned(cascading, (plan) => `${plan}reaches: [versions, idempotency_keys]\n`);
    expect(await refused("measured", address, beyond)).toMatchObject({
      code: "PlanTooWide",
      message: expect.stringContaining("nothing reached idempotency_keys on the copy"),
    });
    const dropped = filesOf("do $$ begin execute 'drop ta' || 'ble versions'; end $$;");
    expect(await refused("measured", address, await planned(dropped))).toMatchObject({
      code: "ChangeUnplanned",
      message: expect.stringContaining("public.versions (dropped)"),
    });
    const fitting = await planned(cascading, (plan) => `${plan}reaches: [versions]\n`);
    await service.until(await service.promote("measured", await service.release(fitting)), "promoted");
    expect(await rows(address, "select count(*)::int from public.versions")).toEqual([{ count: 90 }]);
  });

  test("what a function empties, rewrites or unlinks is found on the copy, in a transaction or outside, ignored or not", async () => {
    const address = await environment("emptied", { drift: { ignore: ["table public.idempotency_*"] } });
    await rows(address, "select lo_from_bytea(4242, 'hello')");
    const run = (body: string, more = "") =>
      filesOf(
        `${more}create function act() returns void language plpgsql as $$ begin ${body}; end $$;\nselect act();`,
      );
    const unplanned = (objects: string) => ({
      code: "ChangeUnplanned",
      step: "rehearse",
      message: expect.stringContaining(objects),
      hint: expect.stringContaining('"reaches"'),
    });
    const emptied = (table: string, before: number) =>
      unplanned(`public.${table} (holds something else: ${before} rows before, 0 after)`);
    for (const [files, refusal] of [
      [run("truncate versions"), emptied("versions", 100)],
      [run("truncate idempotency_keys"), emptied("idempotency_keys", 7)],
      [run("delete from versions", "-- rehearsal: no-transaction\n"), emptied("versions", 100)],
      [
        run(
          "alter table files drop column doc_no; alter table files add column doc_no text; insert into files values (0, 'x')",
        ),
        unplanned("public.files (holds something else: 100 rows before, 101 after)"),
      ],
      [run("execute 'select lo_un' || 'link(4242)'"), unplanned("large objects (not what they were)")],
    ] as const)
      expect(await refused("emptied", address, files)).toMatchObject(refusal);
    const added = run("insert into versions select g, 1 from generate_series(101, 103) g");
    await service.until(await service.promote("emptied", await service.release(added)), "promoted");
  });

  test("a backfill that is called deterministic is run on two copies, which must hold the same", async () => {
    const address = await environment("deterministic");
    const claiming = (plan: string) => {
      const fingerprints = [...plan.matchAll(/fingerprint: "?([0-9a-f]{16})/g)].map(([, one]) => one);
      return `${plan}deterministic: ${JSON.stringify(fingerprints)}\n`;
    };
    // A function may ask a sequence, in the order in which rows lie, or write where the statement does not say.
    for (const [value, table] of [
      ["next_no()", "files"],
      ["noted(id)", "notes"],
    ]) {
      const sql = `update files set doc_no = ${value} where doc_no is null;`;
      expect(await refused("deterministic", address, await planned(filesOf(sql), claiming))).toMatchObject({
        code: "NotDeterministic",
        step: "rehearse",
        message: expect.stringContaining(`left other content in "public"."${table}"`),
        hint: expect.stringContaining("random()"),
      });
    }
    const any = "update files set doc_no = (select kind from files limit 1) where doc_no is null;";
    expect(await refused("deterministic", address, await planned(filesOf(any), claiming))).toMatchObject({
      code: "DeterminismUnprovable",
      message: expect.stringContaining("line 1 to be deterministic, and that cannot be proved: it has LIMIT"),
      hint: expect.stringContaining("order"),
    });
    const files = await planned(
      filesOf("update files set doc_no = 'no ' || id where doc_no is null;"),
      claiming,
    );
    const id = await service.promote("deterministic", await service.release(files));
    await service.until(id, "promoted");
    expect((await report(id)).plans).toMatchObject([
      { statements: [{ deterministic: "proved", losses: [{ object: "rows of files", measured: 50 }] }] },
    ]);
    expect(
      await rows(
        server.address,
        `select datname from pg_database where datname like '%\\_\\_scratch\\_${id}%'`,
      ),
    ).toEqual([]);
  });
});
