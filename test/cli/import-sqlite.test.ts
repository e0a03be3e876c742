/** `rehearsal import sqlite` against a service: from where the file lies, by an upload that goes on, and never into what is not empty. */
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { uploadId } from "../../core/import/upload.ts";
import { sweepIntake } from "../../functions/intake.ts";
import { type ObjectStore, openObjectStore } from "../../io/object-store.ts";
import { openSession } from "../../io/postgres/session.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { LocalService } from "../service/local-service.ts";
import { runCommand } from "./command.ts";

const server = newestServer();
let service: LocalService;
let folder: string;
let address: DatabaseAddress;
let store: ObjectStore;

const FILES = {
  "rehearsal.yaml": "project: notes\n",
  "migrations/0001_create_notes.sql":
    "create table notes (id bigint generated always as identity primary key, said text not null);",
  "imports/primary.yaml": "from: sqlite\nleave: { old: nobody reads it }\n",
};

beforeAll(async () => {
  service = await new LocalService(server.address, "import_sqlite").start();
  address = await freshDatabase(server, "", `import_sqlite_${process.pid}`);
  await service.register("notes", address);
  const id = await service.promote("notes", await service.release(FILES));
  await service.until(id, "promoted");
  folder = await mkdtemp(join(tmpdir(), "import-sqlite-"));
  const database = new DatabaseSync(join(folder, "notes.db"));
  database.exec(
    "create table notes (id integer primary key autoincrement, said); create table old (x); insert into notes (said) values ('one'), ('two')",
  );
  database.close();
  store = openObjectStore({ bucket: "rehearsal-artifacts" });
});

afterAll(async () => {
  store.close();
  await service.stop();
  await dropDatabases(address);
  await rm(folder, { recursive: true, force: true });
});

const run = (...words: string[]) =>
  runCommand(["import", "sqlite", ...words, "--environment", "notes"], {
    variables: { REHEARSAL_URL: service.url, REHEARSAL_KEY: service.keys.operator },
    folder,
  });

const uploaded = async () => {
  const keys: string[] = [];
  for await (const { key } of store.list("intake/")) keys.push(key);
  return keys;
};

test("abuse 40: production is written to only by its name, and a dry run leaves it as it was", async () => {
  const refused = await run("notes.db");
  expect(refused).toMatchObject({ exit: 2, err: expect.stringContaining("--confirm notes") });
  const dry = await run("notes.db", "--dry-run");
  expect(dry).toMatchObject({
    exit: 0,
    out: expect.stringContaining("would come over whole; nothing was written"),
  });
  expect(await rows(address, "select 1 from public.notes")).toEqual([]);
});

test("a file comes over by an upload, which is gone after, and once more from where it lies without a change", async () => {
  const first = await run("notes.db", "--confirm", "notes", "--upload");
  expect(first.err).not.toContain("hint");
  expect(first).toMatchObject({
    exit: 0,
    out: expect.stringContaining("came over, and Postgres holds what the file has"),
  });
  expect(first.out).toContain("left behind: old (nobody reads it)");
  expect(await rows(address, "select said from public.notes order by id")).toEqual([
    { said: "one" },
    { said: "two" },
  ]);
  expect(await uploaded()).toEqual([]);
  const again = await run("notes.db", "--confirm", "notes", "--json");
  expect(JSON.parse(again.out)).toMatchObject({ outcome: { imported: true, changed: false, rows: 2 } });
  await execute(address, "update notes set said = 'theirs' where id = 1");
  const taken = await run("notes.db", "--confirm", "notes");
  expect(taken).toMatchObject({ exit: 3, out: expect.stringContaining("ImportTableTaken") });
  expect(taken.out).toContain("never writes over rows");
  const log = JSON.stringify(await service.must("GET", "/log?limit=100"));
  for (const told of ["import.tried", "database.imported", "import.refused", "ImportTableTaken"])
    expect(log).toContain(told);
});

test("abuse 33: an upload's key is below its environment's own, its bytes are bound, and what is there is not sent again", async () => {
  const sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  const file = { path: "a/b.txt", size: 3, sha256 };
  const id = uploadId([file]);
  const ask = (files: object[], environment = "notes", upload = id) =>
    service.call<{
      files: { known: boolean; upload?: { url: string; headers: Record<string, string> } }[];
    }>("POST", `/environments/${environment}/uploads/${upload}`, { files });
  const { status, body } = await ask([file]);
  const [asked] = body.files;
  expect({ status, known: asked?.known }).toEqual({ status: 200, known: false });
  const { url, headers } = asked?.upload ?? { url: "", headers: {} };
  expect(new URL(url).pathname).toContain(`/intake/notes/${id}/a/b.txt`);
  const put = async (text: string, more: Record<string, string> = headers) =>
    (await fetch(url, { method: "PUT", headers: more, body: text })).status;
  expect(await put("abd")).toBeGreaterThanOrEqual(400);
  expect(await put("abcd")).toBeGreaterThanOrEqual(400);
  expect(await put("abc", {})).toBeGreaterThanOrEqual(400);
  expect(await put("abc")).toBe(200);
  expect((await ask([file])).body.files).toEqual([{ path: "a/b.txt", known: true }]);
  for (const path of ["../notes.txt", "/etc/passwd", "a/../../b", "a\\b", "a//b", "C:/b"])
    expect((await ask([{ ...file, path }])).body).toMatchObject({ code: "PathRefused" });
  expect((await ask([file], "notes", "..")).status).toBeGreaterThanOrEqual(400);
  expect((await ask([file], "nobody")).body).toMatchObject({ code: "NotFound" });
  await store.erase("intake/");
});

test("an upload goes on where it broke off, and a link is not followed", async () => {
  const tree = join(folder, "tree");
  await mkdir(join(tree, "deep"), { recursive: true });
  await cp(join(folder, "notes.db"), join(tree, "notes.db"));
  await writeFile(join(tree, "deep", "empty.txt"), "");
  await symlink("/etc/passwd", join(tree, "link"));
  const linked = await run("tree", "--file", "notes.db", "--confirm", "notes", "--upload");
  expect(linked).toMatchObject({ exit: 2, err: expect.stringContaining("symbolic link") });
  expect(await uploaded()).toEqual([]);
  await rm(join(tree, "link"));
  const unseen = await run("n".repeat(300), "--confirm", "notes", "--upload");
  expect(unseen).toMatchObject({
    exit: 2,
    err: expect.stringMatching(/ENAMETOOLONG.*files that you may read/s),
  });
  // What was refused stays for the next try, which sends nothing twice.
  const refused = await run("tree", "--file", "notes.db", "--confirm", "notes", "--upload");
  expect(refused.out).toContain("ImportTableTaken");
  const keys = await uploaded();
  expect(keys.map((key) => key.replace(/^intake\/notes\/[0-9a-f]{32}\//, ""))).toEqual([
    "deep/empty.txt",
    "notes.db",
  ]);
  const before = await store.head(keys[1] ?? "");
  const ledger = await openSession(
    { ...server.address, database: service.controlDatabase },
    { application: "test" },
  );
  expect((await sweepIntake(ledger, store)).folders).toEqual([]);
  await execute(address, "truncate notes");
  const good = await run(
    "tree",
    "--file",
    "notes.db",
    "--confirm",
    "notes",
    "--upload",
    "--no-watch",
    "--json",
  );
  expect((await store.head(keys[1] ?? "")).modified).toEqual(before.modified);
  const { id } = JSON.parse(good.out) as { id: string };
  await expect
    .poll(async () => (await service.must<{ status: string }>("GET", `/tasks/${id}`)).status, {
      timeout: 30_000,
    })
    .toBe("succeeded");
  expect(await rows(address, "select 1 from public.notes")).toHaveLength(2);
  expect(await uploaded()).toEqual([]);
  await store.put("intake/notes/old/file", Buffer.from("nobody came back for it"));
  await expect.poll(async () => (await sweepIntake(ledger, store, 0)).folders).toEqual(["intake/notes/old/"]);
  await ledger.close();
});
