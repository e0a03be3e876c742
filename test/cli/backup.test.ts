/** `rehearsal backup` against the whole service: what people read, what programs get, and every exit code. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { SCHEMA } from "../service/project.ts";
import { Service } from "../service/service.ts";
import { makeTablespace } from "../tablespace.ts";
import { runCommand } from "./command.ts";

interface Refused {
  error: { code: string; message: string; hint: string; facts: Record<string, unknown> };
}

const server = newestServer();
const made: DatabaseAddress[] = [];
let service: Service;
let folder: string;
let production: DatabaseAddress;
/** Taken first, and used by all. */
let backup: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rehearsal-backup-"));
  service = await new Service(server.address, "cli-backup", { permissions: "enforced" }).start();
  production = await environment("prod", "prod");
  await environment("dev", "dev");
});

afterAll(async () => {
  await service.stop();
  await dropDatabases(...made);
  await rm(folder, { recursive: true, force: true });
});

async function environment(name: string, role: "prod" | "dev") {
  const address = await freshDatabase(server, SCHEMA, `cb_${name}_${process.pid}`);
  made.push(address);
  await service.register(name, address, { retention: { manual: 0 } }, role);
  return address;
}

const run = (...words: string[]) =>
  runCommand(["backup", ...words], {
    variables: { REHEARSAL_URL: service.url, REHEARSAL_KEY: service.keys.operator },
    folder,
  });

async function json<T>(...words: string[]): Promise<{ exit: number | null; value: T; err: string }> {
  const { exit, out, err } = await run(...words, "--json");
  return { exit, value: JSON.parse(out) as T, err };
}

test("create follows the task to its end, and tells how to prove it", async () => {
  const { exit, out, err } = await run("create", "prod");
  expect(exit).toBe(0);
  expect(err).toMatch(/^t\d{6}\w{8}: back-up b\d{6}\w{8}\n$/);
  backup = /back-up (\w+)/.exec(err)?.[1] ?? "";
  expect(out).toMatch(new RegExp(`^${backup}: 2,021 rows, [\\d.]+ kB of [\\d.]+ kB\n`));
  expect(out).toContain(`prove it with: rehearsal backup verify ${backup} --restore`);
});

test("create --no-watch only starts it, and watch follows it", async () => {
  const { exit, value } = await json<{ id: string; status: string; kind: string }>(
    "create",
    "dev",
    "--no-watch",
    "--retention",
    "archive",
  );
  expect([exit, value.kind]).toEqual([0, "back-up"]);
  const watched = await runCommand(["watch", value.id, "--json"], {
    variables: { REHEARSAL_URL: service.url, REHEARSAL_KEY: service.keys.operator },
  });
  expect(watched.exit).toBe(0);
  expect(JSON.parse(watched.out)).toMatchObject({ id: value.id, status: "succeeded", error: null });
});

test("verify by reading, then by a restore, and the age stands in list, env show and --json", async () => {
  const read = await run("verify", backup);
  expect([read.exit, read.out]).toEqual([
    0,
    expect.stringMatching(/all 5 objects are what was written: 2,021 rows/),
  ]);
  const restored = await json<{ outcome: { by: string; restoreSeconds: number } }>(
    "verify",
    backup,
    "--restore",
  );
  expect(restored).toMatchObject({ exit: 0, value: { outcome: { by: "restore" } } });
  const list = await run("list", "prod");
  expect(list.exit).toBe(0);
  expect(list.out).toMatch(new RegExp(`^BACKUP .*\n${backup} +prod .*verified \\(restore\\)`));
  expect(list.out).toMatch(new RegExp(`newest verified: ${backup}, (\\d+ s|1 min) old, by a restore`));
  const shown = await runCommand(["env", "show", "prod"], {
    variables: { REHEARSAL_URL: service.url, REHEARSAL_KEY: service.keys.operator },
  });
  expect(shown.out).toMatch(new RegExp(`verified backup: +${backup}, .* by a restore`));
  const { value } = await json<{ lastVerified: object }>("list", "prod");
  expect(value.lastVerified).toMatchObject({ id: backup, ageSeconds: expect.any(Number) });
});

test("show tells what the manifest says, and what was not carried", async () => {
  const { exit, out } = await run("show", backup);
  expect(exit).toBe(0);
  expect(out).toMatch(/^server: +Postgres \d+/m);
  expect(out).toMatch(/^large objects: +1, /m);
  expect(out).toMatch(/^not carried: .*other databases /m);
  expect(out).toMatch(/^"public"\."segments" +2,000 /m);
});

describe("restore", () => {
  test("--to makes a database that is equal, and a name that is taken fails with exit code 2", async () => {
    const database = `cb_copy_${process.pid}`;
    made.push({ ...production, database });
    const { exit, out } = await run("restore", backup, "--to", database);
    expect([exit, out]).toEqual([0, expect.stringContaining(`restored into "${database}" in `)]);
    expect(await contentOf({ ...production, database })).toEqual(await contentOf(production));
    const again = await run("restore", backup, "--to", database);
    expect(again.exit).toBe(2);
    expect(again.out).toMatch(/: failed\nreason: +there is a database .*\nhint: +choose another name/);
  });

  test("--over production asks for its name and tells the way back that loses nothing", async () => {
    const { exit, err } = await run("restore", backup, "--over", "prod");
    expect(exit).toBe(2);
    expect(err).toContain("code:  RestoreOverProd");
    expect(err).toMatch(/hint: .*"rehearsal rollback ID".*--confirm prod/);
  });

  test("--over says where what it replaced is kept", async () => {
    const { value } = await json<{ backups: { id: string }[] }>("list", "dev");
    const { exit, out } = await run("restore", value.backups[0]?.id ?? "", "--over", "dev");
    expect(exit).toBe(0);
    const kept = /kept as "([^"]+)"/.exec(out)?.[1] ?? "";
    expect(kept).toMatch(new RegExp(`^cb_dev_${process.pid}__replaced_t`));
    made.push({ ...production, database: kept });
    expect(
      await rows(server.address, "select 1 as there from pg_database where datname = $1", [kept]),
    ).toEqual([{ there: 1 }]);
  });
});

test("restore puts what lay in a tablespace into the one that is named for it", async () => {
  const place = `cb_place_${process.pid}`;
  await makeTablespace(server.address, place);
  const database = `cb_moved_${process.pid}`;
  try {
    const source = await environment("placed", "dev");
    await execute(source, `create table kept (id int primary key) tablespace ${place}`);
    const { value } = await json<{ backup: string }>("create", "placed");
    const to = ["restore", value.backup, "--to", database];
    const mistyped = await run(...to, "--tablespace", "paice=pg_default");
    expect(mistyped.exit).toBe(2);
    expect(mistyped.out).toContain('nothing of the backup lies in a tablespace "paice"');
    expect((await run(...to, "--tablespace", `${place}=pg_default`)).exit).toBe(0);
    const moved = { ...production, database };
    made.push(moved);
    expect(await rows(moved, "select tablespace from pg_tables where tablename = 'kept'")).toEqual([
      { tablespace: null },
    ]);
    await dropDatabases(source);
  } finally {
    await execute(server.address, `drop tablespace ${place}`);
  }
});

describe("export", () => {
  test("fetches one file, and writes over nothing", async () => {
    const { exit, value } = await json<{ path: string; files: number; bytes: number }>(
      "export",
      backup,
      "--out",
      "library.dump",
    );
    expect(exit).toBe(0);
    const bytes = await readFile(join(folder, "library.dump"));
    expect([bytes.subarray(0, 5).toString(), bytes.length]).toEqual(["PGDMP", value.bytes]);
    const again = await json<Refused>("export", backup, "--out", "library.dump");
    expect(again).toMatchObject({
      exit: 2,
      value: { error: { code: "OutputExists", hint: expect.stringContaining("nothing is written over") } },
    });
    expect(await readFile(join(folder, "library.dump"))).toEqual(bytes);
  });

  test("fetches a folder", async () => {
    const { exit, out } = await run("export", backup, "--format", "directory", "--out", "library");
    expect([exit, out]).toEqual([0, expect.stringContaining("pg_restore --list")]);
    expect(await readdir(join(folder, "library"))).toContain("toc.dat");
    await mkdir(join(folder, "taken"));
    await writeFile(join(folder, "taken", "mine"), "");
    const taken = await run("export", backup, "--format", "directory", "--out", "taken");
    expect(taken.exit).toBe(2);
    expect(await readdir(join(folder, "taken"))).toEqual(["mine"]);
    expect((await readdir(folder)).filter((name) => name.endsWith(".partial"))).toEqual([]);
  });

  test("into a folder that is not there is refused, with nothing left", async () => {
    const { exit, err } = await run("export", backup, "--out", "no/such/file");
    expect([exit, err]).toEqual([2, expect.stringContaining("code:  InputInvalid")]);
  });
});

describe("expire", () => {
  test("tells first what would go and why the rest stays, then does it", async () => {
    const { value } = await json<{ backup: string }>("create", "prod");
    const { value: held } = await json<{ backup: string }>("create", "prod");
    const hold = await run("hold", held.backup, "--reason", "before the audit");
    expect([hold.exit, hold.out]).toEqual([0, expect.stringContaining("backup unhold")]);
    const dry = await run("expire", "prod", "--dry-run");
    expect(dry.exit).toBe(0);
    expect(dry.out).toMatch(new RegExp(`^${value.backup} `, "m"));
    expect(dry.out).toContain("1 would go");
    expect(dry.out).toMatch(new RegExp(`^${held.backup} +prod +it is held$`, "m"));
    const { exit, out } = await run("expire", "prod");
    expect([exit, out]).toEqual([0, expect.stringMatching(/^1 expired, 6 objects, /)]);
    const gone = await run("verify", value.backup);
    expect(gone.exit).toBe(2);
    expect(gone.err).toContain("cannot be used: it is expired");
    const unheld = await json<{ held: null }>("unhold", held.backup);
    expect([unheld.exit, unheld.value.held]).toEqual([0, null]);
  });
});

describe("a mistake", () => {
  test.each([
    [["craete", "prod"], 'did you mean "create"?', "UsageInvalid"],
    [["create", "prod", "--bse", "latest"], 'did you mean "--base"?', "UsageInvalid"],
    [["verify", "x", "--restor"], 'did you mean "--restore"?', "UsageInvalid"],
    [["create", "prod", "--retention", "ever"], 'see "rehearsal backup create --help"', "UsageInvalid"],
    [["restore", "x"], 'see "rehearsal backup restore --help"', "UsageInvalid"],
    [["restore", "x", "--to", "a", "--tablespace", "b"], "restore --help", "UsageInvalid"],
    [["restore", "x", "--to", "a", "--over", "b"], 'see "rehearsal backup restore --help"', "UsageInvalid"],
    [["export", "x"], 'see "rehearsal backup export --help"', "UsageInvalid"],
    [["hold", "x"], 'see "rehearsal backup hold --help"', "UsageInvalid"],
    [["show", "nosuch"], "list what there is with: rehearsal backup list", "NotFound"],
    [["show", "No_Such"], "correct the named fields", "InputInvalid"],
    [["list", "nosuch"], "list what there is with: rehearsal env list", "NotFound"],
    [["create", "prod", "--base", "b261121nosuch00"], "rehearsal backup list", "NotFound"],
  ])("%j exits 2 with a hint", async (words, hint, code) => {
    const { exit, value, err } = await json<Refused>(...words);
    expect([exit, err]).toEqual([2, ""]);
    expect(value.error).toMatchObject({ code, hint: expect.stringContaining(hint) });
  });
});

test("each function had what it asked for from its own role", () => {
  expect(service.denied()).toEqual([]);
});
