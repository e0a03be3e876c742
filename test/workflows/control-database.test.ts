/** The product's own control database: promoted by the product, for the repository is a project like any other, or by a deployment. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DatabaseAddress, databaseUrl } from "../../core/database-url.ts";
import { migrateControl } from "../../functions/control.ts";
import { ensureControlUser } from "../../functions/control-user.ts";
import { handler as prepare } from "../../functions/events/prepare.ts";
import { actorOfKey } from "../../functions/identity/keys.ts";
import { openSession } from "../../io/postgres/session.ts";
import { openSecrets } from "../../io/secrets.ts";
import { ensureBucket } from "../../local/artifacts.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { refusalOf } from "../refusal.ts";
import { contentOf } from "../service/content.ts";
import { LocalService } from "../service/local-service.ts";

const ROOT = join(import.meta.dirname, "../..");
const server = newestServer();
const made: DatabaseAddress[] = [];
let keeper: LocalService;
let kept: DatabaseAddress;
let files: Record<string, string>;

async function empty(name: string): Promise<DatabaseAddress> {
  const address = await freshDatabase(server, "select 1", `${name}_${process.pid}`);
  made.push(address);
  return address;
}

async function ownProject(): Promise<Record<string, string>> {
  const names = (await readdir(join(ROOT, "migrations"))).filter((name) => name.endsWith(".sql"));
  const paths = ["rehearsal.yaml", ...names.map((name) => `migrations/${name}`)];
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [path, await readFile(join(ROOT, path), "utf8")])),
  );
}

/** As the service does when it is deployed. */
async function deploy(address: DatabaseAddress, project: Record<string, string>): Promise<string[]> {
  const session = await openSession(address, { application: "test" });
  try {
    return await migrateControl(session, migrationsOf(project));
  } finally {
    await session.close();
  }
}

const migrationsOf = (project: Record<string, string>) =>
  Object.entries(project)
    .filter(([path]) => path.startsWith("migrations/"))
    .map(([path, text]) => ({ path, bytes: Buffer.from(text) }));

beforeAll(async () => {
  files = await ownProject();
  kept = await empty("kept_control");
  keeper = await new LocalService(server.address, "keeper").start();
  await keeper.register("control", kept);
});

afterAll(async () => {
  await keeper.stop();
  await dropDatabases(...made);
});

test("an empty database becomes a control database by a promotion, the same as by a deployment", async () => {
  await keeper.until(await keeper.promote("control", await keeper.release(files)), "promoted");
  expect(await deploy(kept, files)).toEqual([]);
  const own = await empty("own_control");
  expect(await deploy(own, files)).toEqual(migrationsOf(files).map(({ path }) => path));
  expect(await contentOf(kept)).toEqual(await contentOf(own));
});

test("a ledger from before the gap in the numbers was closed goes on with the numbers that its files have now", async () => {
  const [own, fresh] = [await empty("renumbered"), await empty("numbered")];
  const shift = ([path, text]: [string, string]) => {
    const number = Number(/\d+/.exec(path)?.[0]);
    const moved = path.replace(/\d+/, String(number + 1).padStart(4, "0"));
    return [number < 7 ? path : moved, text] as const;
  };
  // As it was when there were eleven, without a seventh.
  const first = Object.entries(files).filter(([path]) => /migrations\/00(0\d|10)_/.test(path));
  await deploy(own, Object.fromEntries(first.map(shift)));
  expect(await rows(own, "select path from rehearsal.applied where path like '%/0011_%'")).toHaveLength(1);
  const added = migrationsOf(files).map(({ path }) => path);
  expect(await deploy(own, files)).toEqual(added.filter((path) => path > "migrations/0011"));
  await deploy(fresh, files);
  const applied = "select path, version, sha256 from rehearsal.applied order by version";
  expect(await rows(own, applied)).toEqual(await rows(fresh, applied));
  expect(await deploy(own, files)).toEqual([]);
});

test("what another service keeps is left to it, and a deployment that needs more says so and changes nothing", async () => {
  const next = `migrations/${String(migrationsOf(files).length + 1).padStart(4, "0")}_note.sql`;
  const newer = { ...files, [next]: "alter table ledger.people add column note text;\n" };
  const before = await contentOf(kept);
  expect(await refusalOf(() => deploy(kept, newer))).toMatchObject({
    code: "ControlDatabaseBehind",
    message: expect.stringContaining(next),
    hint: expect.stringContaining('promote "control" to the release'),
  });
  expect(await contentOf(kept)).toEqual(before);
  await keeper.until(await keeper.promote("control", await keeper.release(newer)), "promoted");
  expect(await deploy(kept, newer)).toEqual([]);
});

test("a deployment makes the user that functions sign in as, whose only way in is IAM, and may do it again", async () => {
  const address = await empty("mastered");
  const user = `signer_${process.pid}`;
  await execute(
    server.address,
    "do $$ begin create role rds_iam; exception when duplicate_object then null; end $$",
  );
  const secrets = openSecrets();
  process.env.REHEARSAL_CONTROL_SECRET = "rehearsal/mastered";
  process.env.REHEARSAL_CONTROL_MASTER_SECRET = "rehearsal/master";
  const { user: username, password } = address;
  await secrets.writeSecret("rehearsal/master", JSON.stringify({ username, password }));
  await secrets.writeSecret("rehearsal/mastered", databaseUrl({ ...address, user }));
  try {
    await ensureControlUser();
    await ensureControlUser();
    expect(
      await rows(
        address,
        `select rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, pg_has_role(oid, 'rds_iam', 'member') as iam,
          rolpassword is null as "passwordless", has_database_privilege(oid, current_database(), 'create') as creates
          from pg_authid where rolname = '${user}'`,
      ),
    ).toEqual([
      {
        ...{ rolcanlogin: true, rolsuper: false, rolcreatedb: false, rolcreaterole: false },
        ...{ iam: true, passwordless: true, creates: true },
      },
    ]);
    await execute(
      address,
      `set role ${user}; create schema ledger; reset role; drop owned by ${user}; drop role ${user}`,
    );
  } finally {
    delete process.env.REHEARSAL_CONTROL_MASTER_SECRET;
  }
});

test("a deployment makes the first admin and tells their key to a secret alone, once", async () => {
  const address = await empty("prepared");
  const secrets = openSecrets();
  process.env.REHEARSAL_CONTROL_SECRET = "rehearsal/prepared";
  // Of its own: where there is a ledger's copy, an empty control database is a lost one.
  process.env.REHEARSAL_BUCKET = "prepared";
  await ensureBucket(process.env.AWS_ENDPOINT_URL_S3 ?? "", "prepared");
  process.env.REHEARSAL_FIRST_KEY_SECRET = "rehearsal/first-key";
  await secrets.writeSecret("rehearsal/prepared", databaseUrl(address));
  const event = {
    migrations: migrationsOf(files).map(({ path, bytes }) => ({ path, text: bytes.toString() })),
    firstPerson: "first",
  };
  // A call whose answer is late is made again while it goes on.
  const both = await Promise.all([prepare(event), prepare(event)]);
  expect(both).toContainEqual({
    applied: event.migrations.map(({ path }) => path),
    firstKey: "rehearsal/first-key",
  });
  expect(both).toContainEqual({ applied: [], firstKey: null });
  const key = await secrets.readSecret("rehearsal/first-key");
  expect(await prepare(event)).toEqual({ applied: [], firstKey: null });
  expect(await secrets.readSecret("rehearsal/first-key")).toBe(key);

  const ledger = await openSession(address, { application: "test" });
  try {
    expect(await actorOfKey(ledger, key)).toMatchObject({
      person: "first",
      grants: [{ environment: "*", role: "admin" }],
    });
    expect(await ledger.query("select type, body from ledger.events")).toMatchObject([
      { type: "control.prepared", body: expect.not.stringContaining(key) },
    ]);
  } finally {
    await ledger.close();
  }
});
