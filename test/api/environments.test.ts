/** Environments over the API: a database becomes one only when it is nobody else's, and its password stays in the secret. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { databaseUrl } from "../../core/database-url.ts";
import { LOOKING_PLACES } from "../../functions/look.ts";
import { openSecrets } from "../../io/secrets.ts";
import { writeNewerPgDump } from "../native-pg-dump.ts";
import { startPooler } from "../pooler.ts";
import { execute, rows } from "../postgres.ts";
import { startNewerServer } from "../postgres-front.ts";
import { openWorld, registerFresh, uploadRelease, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld();
});

afterAll(async () => {
  await world.close();
});

interface Shown {
  name: string;
  address: string;
  policy: { decision: string; lockTimeout: number };
  fingerprint: string;
  promotion: unknown;
}

describe("registering", () => {
  test("gives the database an identity, keeps its shape, and tells the log", async () => {
    const address = await world.target("create table public.books (id int primary key)");
    const { status, body } = await world.call<Shown>("POST", "/environments", {
      name: "library",
      role: "prod",
      url: databaseUrl(address),
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      name: "library",
      role: "prod",
      state: "writeable",
      address: `${address.user}@${address.host}:${address.port}/${address.database}`,
      policy: expect.objectContaining({ decision: "automatic", lockTimeout: 2000 }),
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      release: null,
      promotion: null,
      lastVerifiedBackup: null,
    });
    const [identity] = await rows<{ environment: string; role: string; identity: string }>(
      address,
      "select environment, role, identity from rehearsal.identity",
    );
    const [row] = await world.ledger.query<{ identity: string }>(
      "select identity from ledger.environments where name = 'library'",
    );
    expect(identity).toEqual({ environment: "library", role: "prod", identity: row?.identity });
    const shape = JSON.parse(
      Buffer.from(await world.store.get(`shapes/${body.fingerprint}.json`)).toString(),
    ) as { objects: object };
    expect(Object.keys(shape.objects)).toContain("table public.books");
    const { entries } = (await world.call<{ entries: { body: string }[] }>("GET", "/log")).body;
    expect(JSON.parse(entries.at(-1)?.body ?? "")).toMatchObject({
      type: "environment.registered",
      environment: "library",
      data: { role: "prod", by: "tester" },
    });
    expect((await world.call<Shown>("GET", "/environments/library")).body).toEqual(body);
    const all = await world.call<{ environments: Shown[] }>("GET", "/environments");
    expect(all.body.environments).toEqual([body]);
  });

  test("abuse 35: the password is in the secret and nowhere else", async () => {
    const address = await world.target();
    await execute(
      address,
      `create role keeper login superuser password 'hush hush/@:%'; alter database "${address.database}" owner to keeper`,
    );
    const url = databaseUrl({ ...address, user: "keeper", password: "hush hush/@:%" });
    const made = await world.call("POST", "/environments", { name: "secretive", role: "dev", url });
    expect(made.status).toBe(201);
    expect(await openSecrets().readSecret("rehearsal/environments/secretive")).toBe(url);
    const answers = [
      made.body,
      (await world.call("GET", "/environments")).body,
      (await world.call("GET", "/log?limit=200")).body,
    ];
    const ledger = await world.ledger.query("select to_jsonb(e) from ledger.environments e");
    expect(JSON.stringify([answers, ledger])).not.toMatch(/hush/);
    const wrong = await world.call("POST", "/environments", {
      name: "wrong",
      role: "dev",
      url: "postgresql://keeper:s3cr3tive@127.0.0.1:1/nowhere?sslmode=disable",
    });
    expect(wrong.body.code).toBe("DatabaseUnreachable");
    expect(wrong.body.hint).toContain("server runs");
    const odd = await world.call("POST", "/environments", {
      name: "odd",
      role: "dev",
      url: "postgresql://keeper:s3cr3tive@one,two/db",
    });
    expect(odd.body.code).toBe("InputInvalid");
    expect(JSON.stringify([wrong.body, odd.body])).not.toContain("s3cr3tive");
    await execute(address, "reassign owned by keeper to current_user; drop role keeper");
  });

  test("through a pooler is refused, and nothing is written", async () => {
    const address = await world.target();
    const pooler = await startPooler({ server: address, size: 2, next: "last" });
    const { status, body } = await world.call("POST", "/environments", {
      ...{ name: "pooled", role: "prod", url: databaseUrl({ ...address, port: pooler.port }) },
    });
    expect([status, body.code]).toEqual([409, "PoolerFound"]);
    expect(body.hint).toContain("register the server's own address");
    expect(await rows(address, "select 1 from pg_namespace where nspname = 'rehearsal'")).toEqual([]);
    // Nor is one planned for that was registered directly, and whose address has been changed since.
    const release = await uploadRelease(world);
    const direct = { name: "pooled", role: "prod", url: databaseUrl(address) };
    expect((await world.call("POST", "/environments", direct)).status).toBe(201);
    const changed = databaseUrl({ ...address, port: pooler.port });
    await openSecrets().writeSecret("rehearsal/environments/pooled", changed);
    const planned = await world.call("POST", "/plans", { environment: "pooled", release });
    expect([planned.status, planned.body.code]).toEqual([409, "PoolerFound"]);
    await pooler.stop();
  });

  test("a server newer than our pg_dump needs the path of one that knows it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "rehearsal-newer-"));
    const newer = await startNewerServer(await world.target(), 19);
    const url = databaseUrl({ ...(await world.target()), port: newer.port });
    const asked = { name: "newer", role: "prod", url };
    const refused = await world.call("POST", "/environments", asked);
    expect([refused.status, refused.body.code]).toEqual([409, "ServerTooNew"]);
    expect(refused.body.hint).toContain("pgDump: /path/to/pg_dump");
    for (const pgDump of ["pg_dump", "/usr/bin/sh", "/usr/bin/pg_dump\u0000"]) {
      const odd = await world.call("POST", "/environments", { ...asked, policy: { pgDump } });
      expect([odd.status, odd.body.code]).toEqual([400, "InputInvalid"]);
    }
    const absent = await world.call("POST", "/environments", {
      ...{ ...asked, policy: { pgDump: join(folder, "pg_dump") } },
    });
    expect([absent.status, absent.body.code]).toEqual([409, "PgDumpUnfit"]);
    const policy = { pgDump: await writeNewerPgDump(folder) };
    const made = await world.call("POST", "/environments", { ...asked, policy });
    expect([made.status, made.body]).toMatchObject([201, { policy }]);
    await newer.stop();
    await rm(folder, { recursive: true });
  });

  test("of a name that is taken is refused and changes neither secret nor database", async () => {
    const first = await registerFresh(world, "taken");
    const second = await world.target();
    const { status, body } = await world.call("POST", "/environments", {
      name: "taken",
      role: "dev",
      url: databaseUrl(second),
    });
    expect([status, body.code]).toEqual([409, "EnvironmentExists"]);
    expect(body.hint).toContain("env show");
    expect(await openSecrets().readSecret("rehearsal/environments/taken")).toBe(databaseUrl(first));
    expect(await rows(second, "select to_regnamespace('rehearsal') as there")).toEqual([{ there: null }]);
  });

  test("twice at the same time registers once", async () => {
    const address = await world.target();
    const body = { name: "racing", role: "dev", url: databaseUrl(address) };
    const answers = await Promise.all([1, 2].map(() => world.call("POST", "/environments", body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  test("goes on where an interrupted one stopped", async () => {
    const address = await registerFresh(world, "interrupted");
    await world.ledger.query("delete from ledger.environments where name = 'interrupted'");
    const body = { name: "interrupted", role: "dev", url: databaseUrl(address) };
    expect((await world.call("POST", "/environments", body)).status).toBe(201);
    const [row] = await world.ledger.query<{ identity: string }>(
      "select identity from ledger.environments where name = 'interrupted'",
    );
    expect(await rows(address, "select identity from rehearsal.identity")).toEqual([row]);
  });

  test("of a database that another service has promoted is refused", async () => {
    const address = await registerFresh(world, "elsewhere");
    await world.ledger.query("delete from ledger.environments where name = 'elsewhere'");
    await execute(address, "update rehearsal.identity set token = 7");
    const { body } = await world.call("POST", "/environments", {
      name: "elsewhere",
      role: "dev",
      url: databaseUrl(address),
    });
    expect(body.code).toBe("IdentityMismatch");
    expect(body.hint).toContain("nothing was written");
  });

  test("by a role that could not promote names the right it lacks, and writes nothing", async () => {
    const address = await world.target();
    await execute(address, "create role weakling login password 'w'");
    const { status, body } = await world.call("POST", "/environments", {
      name: "weak",
      role: "dev",
      url: databaseUrl({ ...address, user: "weakling", password: "w" }),
    });
    expect([status, body.code]).toEqual([409, "PermissionMissing"]);
    expect(body.hint).toContain("grant it");
    expect(await rows(address, "select to_regnamespace('rehearsal') as there")).toEqual([{ there: null }]);
    await execute(address, "drop role weakling");
  });
});

describe("abuse 39: a database that says it is something else", () => {
  test.each([
    ["a dev one as prod", { name: "mine", role: "prod" }],
    ["one of another name", { name: "other-name", role: "dev" }],
    ["one that is registered already, under its own name", { name: "mine", role: "dev" }],
  ])("%s is refused and keeps its identity", async (_, as) => {
    const address = await registerFresh(world, "mine");
    const before = await rows(address, "select * from rehearsal.identity");
    const { status, body } = await world.call("POST", "/environments", { ...as, url: databaseUrl(address) });
    expect(status).toBe(409);
    expect(["IdentityMismatch", "EnvironmentExists"]).toContain(body.code);
    expect(await rows(address, "select * from rehearsal.identity")).toEqual(before);
    await world.ledger.query("delete from ledger.environments where name = 'mine'");
  });

  test("a prod one is refused as dev, also when the ledger does not know it", async () => {
    const address = await registerFresh(world, "live", { role: "prod" });
    await world.ledger.query("delete from ledger.environments where name = 'live'");
    const { body } = await world.call("POST", "/environments", {
      name: "live",
      role: "dev",
      url: databaseUrl(address),
    });
    expect(body.code).toBe("IdentityMismatch");
    expect(body.detail).toContain("its role is prod, not dev");
    expect(body.hint).toContain("correct the address");
  });
});

describe("a policy", () => {
  test("is replaced, and the log tells what it was", async () => {
    await registerFresh(world, "strict");
    const { status, body } = await world.call<Shown>("PATCH", "/environments/strict", {
      policy: { decision: "approval", lockTimeout: 500 },
    });
    expect(status).toBe(200);
    expect(body.policy).toMatchObject({ decision: "approval", lockTimeout: 500 });
    const { entries } = (await world.call<{ entries: { body: string }[] }>("GET", "/log?limit=200")).body;
    expect(JSON.parse(entries.at(-1)?.body ?? "")).toMatchObject({
      type: "environment.policy-changed",
      data: { before: { decision: "automatic" }, after: { decision: "approval" }, by: "tester" },
    });
  });

  test("with an unknown key is refused by its path", async () => {
    const { status, body } = await world.call("PATCH", "/environments/strict", {
      policy: { decision: "perhaps", fenced: true },
    });
    expect(status).toBe(400);
    expect(body.detail).toContain("policy.decision");
    expect(body.detail).toContain("fenced");
  });
});

describe("requests that look into an environment's database", () => {
  test("are a few at once for each environment, so that nobody who may only read takes all its connections", async () => {
    const release = await uploadRelease(world);
    for (const name of ["watched", "quiet"]) await registerFresh(world, name);
    const looks = (environment: string): [method: string, path: string, body?: object][] => [
      ["GET", `/environments/${environment}/drift`],
      ["POST", `/environments/${environment}/holdings`, {}],
      ["POST", `/environments/${environment}/checks`],
      ["POST", "/diffs", { from: environment, to: environment }],
      ["POST", "/plans", { environment, release }],
    ];
    const ask = async (environment: string) => {
      const answers = [];
      for (const [method, path, body] of looks(environment))
        answers.push(await world.call(method, path, body));
      return answers;
    };
    const places = (what: string) =>
      `select ${what}(hashtextextended('look into watched ' || place, 0)) from generate_series(1, $1::int) as place`;
    await world.ledger.query(places("pg_advisory_lock"), [LOOKING_PLACES]);
    for (const { status, body, headers } of await ask("watched")) {
      expect([status, body.code]).toEqual([429, "TooManyRequests"]);
      expect(body.detail).toContain('requests that look into "watched"');
      expect(body.hint).toContain("wait 2 s");
      expect(headers.get("retry-after")).toBe("2");
    }
    expect((await ask("quiet")).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    await world.ledger.query(places("pg_advisory_unlock"), [LOOKING_PLACES]);
    // More than there are places, one after the other: each gave its own back.
    for (let round = 0; round < LOOKING_PLACES; round++)
      expect((await ask("watched")).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  });
});
