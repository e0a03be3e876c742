import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import type { Finding } from "../../core/lint/lint.ts";
import { parseMigration } from "../../core/migration.ts";
import { draftPlan } from "../../core/plan-draft.ts";
import type { RehearsalReport } from "../../core/report.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService } from "../service/local-service.ts";
import { expectUntouched } from "../service/outcome.ts";

const SCHEMA = `
create table big (id int primary key, note text);
insert into big select g, repeat('x', 1000) from generate_series(1, 12000) g;
analyze big;
create table small (id int primary key, note text);
insert into small values (1, 'x');
analyze small;
`;

const FILES = (allowed: string) => ({
  "rehearsal.yaml": "project: shop\n",
  "migrations/0001_indexes.sql": `${allowed}create index if not exists b on big (note);
create index if not exists s on small (note);
-- rehearsal: allow drop-column: the notes are in the archive, read by nobody
alter table small drop column if exists note;
`,
});

describe("the safety analysis where a release meets production", { timeout: 120_000 }, () => {
  const server = newestServer();
  const service = new LocalService(server.address, "lint");
  const made: DatabaseAddress[] = [];

  beforeAll(() => service.start());

  afterAll(async () => {
    await service.stop();
    await dropDatabases(...made);
  });

  async function environment(name: string, policy: object): Promise<DatabaseAddress> {
    const address = await freshDatabase(server, SCHEMA, `lint_${name}_${process.pid}`);
    made.push(address);
    await service.register(name, address, { plans: "optional", ...policy });
    return address;
  }

  test("an error refuses the promotion where the policy says so, and its reason lets it through", async () => {
    const address = await environment("strict", { lint: "refuse" });
    const before = await contentOf(address);
    const release = await service.release(FILES(""));
    const detail = await service.until(await service.promote("strict", release), "refused");
    await expectUntouched(service, detail, address, before);
    expect(detail.error).toMatchObject({
      code: "LintRefused",
      message: expect.stringMatching(
        /found an error: migrations\/0001_indexes\.sql:1: nobody can write to "big" while its index is built \(about 12,000 rows, 1\d(\.\d)? MiB\)/,
      ),
      hint: expect.stringContaining("-- rehearsal: allow RULE: reason"),
    });
    const allowed = FILES("-- rehearsal: allow index-without-concurrently: at night, nobody writes\n");
    await service.until(await service.promote("strict", await service.release(allowed)), "promoted");
  });

  test("a data plan that covers a statement is reason enough for what it loses, and not for what it locks", async () => {
    await environment("planned", { lint: "refuse" });
    const path = "migrations/0001_drop.sql";
    const drop = "alter table big drop column if exists note;\n";
    const planOf = async (sql: string) => {
      const drafted = draftPlan(await parseMigration(path, Buffer.from(sql)));
      return drafted.replaceAll("TODO: ", "");
    };
    const release = async (sql: string, plan?: string) =>
      service.release({
        "rehearsal.yaml": "project: shop\n",
        [path]: sql,
        ...(plan !== undefined && { "plans/0001.yaml": plan }),
      });
    const ask = async (hash: string) =>
      service.call("POST", "/plans", { environment: "planned", release: hash, seed: false });
    expect(await ask(await release(drop))).toMatchObject({ body: { code: "LintRefused" } });
    const covered = await release(drop, await planOf(drop));
    expect(await ask(covered)).toMatchObject({
      status: 200,
      body: { findings: [{ rule: "drop-column", suppressed: { by: "plans/0001.yaml" } }] },
    });
    const locking = `${drop}create index if not exists i on big (id);\n`;
    const refused = await ask(await release(locking, await planOf(locking)));
    expect(refused).toMatchObject({
      body: {
        code: "LintRefused",
        detail: expect.stringMatching(/\[index-without-concurrently\](?!.*\[drop-column\])/),
      },
    });
  });

  test("where it only warns, plan and report tell of it, by production's sizes, with the reasons of what is allowed", async () => {
    await environment("lenient", {});
    const release = await service.release(FILES(""));
    const body = { environment: "lenient", release, seed: false };
    const plan = await service.must<{ findings: Finding[] }>("POST", "/plans", body);
    const told = [
      ["index-without-concurrently", "error", undefined],
      ["index-without-concurrently", "warning", undefined],
      ["drop-column", "error", "the notes are in the archive, read by nobody"],
    ];
    const shown = (findings: Finding[] = []) =>
      findings.map(({ rule, severity, suppressed }) => [rule, severity, suppressed?.reason]);
    expect(shown(plan.findings)).toEqual(told);
    const id = await service.promote("lenient", release);
    await service.until(id, "promoted");
    const report = await service.must<RehearsalReport>("GET", `/promotions/${id}/report`);
    expect(shown(report.findings)).toEqual(told);
    const markdown = await fetch(`${service.url}/promotions/${id}/report?format=md`, {
      headers: { authorization: `Bearer ${service.keys.operator}` },
    }).then((response) => response.text());
    expect(markdown).toContain("## Safety analysis");
    expect(markdown).toContain("allowed: `the notes are in the archive, read by nobody`");
  });
});
