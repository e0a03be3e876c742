/** Copies made by a login of their own: the steps on them read no other secret, and the server keeps them out of production. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Check } from "../../core/checkup.ts";
import { type DatabaseAddress, databaseUrl } from "../../core/database-url.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { backAndForth } from "../service/back-and-forth.ts";
import { contentOf } from "../service/content.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";
import { Service } from "../service/service.ts";
import { succeed } from "../service/tasks.ts";

const server = newestServer();
const everywhere = { ...server.address, database: "postgres" };
const owner = `owner of copies ${process.pid}`;
const copier = `copier ${process.pid}`;
const made: string[] = [];
let service: Service;
let production: DatabaseAddress;
let copies: DatabaseAddress;

beforeAll(async () => {
  service = await new Service(server.address, "copies", { permissions: "enforced" }).start();
  await execute(
    everywhere,
    `create role "${owner}" login createdb bypassrls password 'of owner';
     grant pg_signal_backend, pg_read_all_stats to "${owner}";
     grant set on parameter session_replication_role to "${owner}";
     create role "${copier}" login password 'of copier';
     grant "${owner}" to "${copier}" with set true, inherit false`,
  );
  const fresh = await freshDatabase(server, undefined, `with_copies_${process.pid}`);
  made.push(fresh.database);
  await execute(
    fresh,
    `alter database ${fresh.database} owner to "${owner}"; alter schema public owner to "${owner}";
     revoke connect on database ${fresh.database} from public`,
  );
  production = { ...fresh, user: owner, password: "of owner" };
  copies = { ...production, user: copier, password: "of copier" };
  await execute(production, SCHEMA);
});

afterAll(async () => {
  await service.stop();
  await dropDatabases(...made.map((database) => ({ ...server.address, database })));
  await execute(everywhere, `drop owned by "${owner}"; drop role "${copier}"; drop role "${owner}"`);
});

/** Who may what, in whatever order it was granted. */
async function rightsOn(database: string): Promise<string[]> {
  const granted = await rows<{ one: string }>(
    everywhere,
    "select one::text as one from pg_database, unnest(datacl) one where datname = $1 order by 1",
    [database],
  );
  return granted.map(({ one }) => one);
}

async function copiesCheck(): Promise<Check | undefined> {
  const { checks } = await service.must<{ checks: Check[] }>("POST", "/environments/shop/checks");
  return checks.find(({ name }) => name === "copies");
}

/** What was asked of AWS: by which function, of which secret. */
function secretsRead(): { caller: string; secret: string }[] {
  return readFileSync(join(service.folder, "asked.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { caller: string; action: string; resource: string })
    .filter(({ action }) => action === "secretsmanager:GetSecretValue")
    .map(({ caller, resource }) => ({
      caller,
      secret: /secret:(.*?)(-\w{6})?$/.exec(resource)?.[1] ?? resource,
    }));
}

test("a login for copies that may not act as production's role is refused, and the hint mends it", async () => {
  await execute(everywhere, `revoke "${owner}" from "${copier}"`);
  const body = { name: "shop", role: "prod", url: databaseUrl(production), copiesUrl: databaseUrl(copies) };
  const refused = await service.call<{ code: string; hint: string }>("POST", "/environments", body);
  expect(refused).toMatchObject({
    status: 409,
    body: { code: "RoleRefused", hint: expect.stringContaining("docs/connections.md") },
  });
  expect(await rows(production, "select 1 from pg_namespace where nspname = 'rehearsal'")).toEqual([]);
  const [, mend = ""] = /^as a superuser: (GRANT .*?);/.exec(refused.body.hint) ?? [];
  await execute(everywhere, mend);
  const elsewhere = { ...copies, database: "nowhere", password: "wrong" };
  expect(
    await service.call("POST", "/environments", { ...body, copiesUrl: databaseUrl(elsewhere) }),
  ).toMatchObject({ status: 503, body: { code: "DatabaseUnreachable" } });
  expect(
    await service.call("POST", "/environments", { ...body, policy: { decision: "approval" } }),
  ).toMatchObject({ status: 201 });
});

test("restore cannot reach production: it is rehearsed, taken back and promoted by a login that is turned away there", async () => {
  await expect(execute(copies, "select 1")).rejects.toMatchObject({ code: "DatabaseUnreachable" });
  expect(await copiesCheck()).toMatchObject({
    status: "ok",
    says: expect.stringContaining("restore cannot reach production"),
  });
  const before = await contentOf(production);
  const rights = await rightsOn(production.database);
  for await (const { id, end, approved } of backAndForth(service, "shop", production)) {
    made.push(`${production.database}__failed_${id}`);
    if (end === "rolled-back") expect(await contentOf(production)).toEqual(approved);
    // The copy that has taken production's place lets in whom production did, and nobody else.
    expect(await rightsOn(production.database)).toEqual(rights);
    await expect(execute(copies, "select 1")).rejects.toMatchObject({ code: "DatabaseUnreachable" });
  }
  expect((await contentOf(production)).fingerprint).not.toBe(before.fingerprint);

  const read = secretsRead();
  const readBy = (caller: string) =>
    [
      ...new Set(read.filter((one) => one.caller === caller).map(({ secret }) => secret.split("/").at(2))),
    ].sort();
  for (const step of ["restore", "rehearse"])
    expect([step, readBy(step)]).toEqual([step, ["control-database", "copies"]]);
  for (const step of ["decide", "api", "reconcile"])
    expect([step, readBy(step)]).toEqual([step, ["control-database"]]);
  expect(readBy("migrate")).toEqual(["control-database", "environments"]);
});

test("fault 1: a rehearsal that dies when its copy has production's rights lets itself in again", async () => {
  const shape = (await contentOf(production)).fingerprint;
  const release = await service.release({
    ...PROJECT,
    ...OUTSIDE,
    "migrations/0004_later.sql": "create table later (id int primary key);\n",
  });
  service.killAt("rehearse:swapped");
  const id = await service.promote("shop", release);
  await service.ended();
  await service.start();
  await service.until(id, "waiting");
  expect(service.unfired()).toEqual([]);
  await service.must("POST", `/promotions/${id}/reject`, {}, service.keys.reviewer);
  await service.until(id, "refused");
  expect((await contentOf(production)).fingerprint).toBe(shape);
});

test("a task proves a backup by the copies' login as well, and what it restores lets in whom production lets in", async () => {
  const { backups } = await service.must<{ backups: { id: string }[] }>("GET", "/backups?environment=shop");
  const to = `with_copies_restored_${process.pid}`;
  made.push(to);
  for (const [path, body] of [
    ["verify", { restore: true }],
    ["restore", { to }],
  ] as const) {
    await succeed(service, `/backups/${backups[0]?.id}/${path}`, body);
  }
  expect(await rightsOn(to)).toEqual(await rightsOn(production.database));
});

test("a membership that is lost is told where copies are made, and production is as it was", async () => {
  await execute(everywhere, `revoke "${owner}" from "${copier}"`);
  expect(await copiesCheck()).toMatchObject({
    status: "failed",
    says: expect.stringContaining("may not act as"),
    mend: expect.stringContaining("GRANT"),
  });
  const before = await contentOf(production);
  const files = { ...PROJECT, ...OUTSIDE, "migrations/0004_more.sql": "create table more (id int);" };
  const id = await service.promote("shop", await service.release(files));
  expect((await service.until(id, "refused")).error).toMatchObject({
    code: "RoleRefused",
    hint: expect.stringContaining("WITH SET TRUE, INHERIT FALSE"),
  });
  expect(await contentOf(production)).toEqual(before);

  await execute(everywhere, `grant "${owner}" to "${copier}" with set true, inherit true`);
  expect(await copiesCheck()).toMatchObject({
    status: "warning",
    says: expect.stringContaining("may connect to production as well"),
    mend: expect.stringContaining("INHERIT FALSE"),
  });
  // Whoever wants no second login is told so, and has one secret for copies all the same.
  expect(await service.must("PUT", "/environments/shop/copies", {})).toEqual({ copiesAs: owner });
  expect(await copiesCheck()).toMatchObject({
    status: "ok",
    says: expect.stringContaining("as production is migrated"),
  });
});
