/** `rehearsal store` against a service: what a project's store.yaml says, an environment's data exported, compared, cut over and brought back, each by its exit code. */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, execute, freshDatabase, newestServer } from "../postgres.ts";
import { LocalService } from "../service/local-service.ts";
import { furnish, storedProject } from "../service/stored.ts";
import { runHere } from "./run-here.ts";

const server = newestServer();
let service: LocalService;
let folder: string;
let address: DatabaseAddress;

beforeAll(async () => {
  service = await new LocalService(server.address, "store_cli").start();
  address = await freshDatabase(server, "", `store_cli_${process.pid}`);
  folder = await mkdtemp(join(tmpdir(), "store-cli-"));
  const files = await storedProject(server);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  await service.register("rooms", address);
  await service.until(await service.promote("rooms", await service.release(files)), "promoted");
  await furnish(address, 1, 1);
});

afterAll(async () => {
  await service.stop();
  await dropDatabases(address);
  await rm(folder, { recursive: true, force: true });
});

const run = (...words: string[]) =>
  runHere(["store", ...words], { REHEARSAL_URL: service.url, REHEARSAL_KEY: service.keys.operator }, folder);

test("a project's models are told and written without a service, and a store.yaml that does not hold is refused", async () => {
  const checked = await run("check");
  expect(checked).toMatchObject({
    exit: 0,
    out: expect.stringMatching(/Word +public\.words +words\/\{room_id\}\.jsonl/),
  });
  expect((await run("models", "--out", "models.ts")).exit).toBe(0);
  expect(await readFile(join(folder, "models.ts"), "utf8")).toContain("Room");
  const path = join(folder, "store.yaml");
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace("table: rooms", "table: roms"));
  expect(await run("check")).toMatchObject({
    exit: 2,
    err: expect.stringContaining("there is no table roms"),
  });
  await writeFile(path, text);
});

test("the whole way by the command: dumped, exported, brought up, compared, cut over, and back", async () => {
  expect((await run("status", "rooms")).out).toContain("rehearsal store export rooms");
  const dumped = await run("dump", "rooms", "--json");
  const { path } = JSON.parse(dumped.out) as { path: string };
  expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ totals: { models: 3, rows: 22 } });

  const exported = await run("export", "rooms", "--to", "data");
  expect(exported).toMatchObject({ exit: 0, out: expect.stringContaining("3 models, 22 rows") });
  expect(await readFile(join(folder, "data", "rooms.json"), "utf8")).toContain("room 1");
  await execute(address, "update rooms set name = 'another'");
  expect(await run("sync", "rooms")).toMatchObject({ exit: 0, out: expect.stringContaining("1 changes") });

  const whole = await readFile(join(folder, "data", "rooms.json"), "utf8");
  await writeFile(join(folder, "data", "rooms.json"), whole.replace("another", "forged"));
  const differs = await run("verify", "rooms");
  expect(differs).toMatchObject({ exit: 3, out: expect.stringContaining("rooms.json") });
  await writeFile(join(folder, "data", "rooms.json"), whole);
  expect(await run("cutover", "rooms", "--confirm", "rooms")).toMatchObject({
    exit: 2,
    err: expect.stringContaining("rehearsal store verify rooms"),
  });
  expect(await run("verify", "rooms")).toMatchObject({
    exit: 0,
    out: expect.stringContaining("hold the same"),
  });

  expect(await run("cutover", "rooms")).toMatchObject({
    exit: 2,
    err: expect.stringContaining("--confirm rooms"),
  });
  const cut = await run("cutover", "rooms", "--confirm", "rooms");
  expect(cut).toMatchObject({ exit: 0, out: expect.stringContaining("what counts of rooms is its store") });
  expect((await run("status", "rooms")).out).toContain("behind a fence");
  expect(await run("sync", "rooms")).toMatchObject({ exit: 5, err: expect.stringContaining("--back") });

  const back = await run("cutover", "rooms", "--back", "--confirm", "rooms", "--json");
  expect(JSON.parse(back.out)).toMatchObject({ outcome: { returned: true, rows: 22 } });
  expect((await run("status", "rooms")).out).toContain("returned");
});

test("what cannot be done is refused with the mend", async () => {
  expect(await run("sync", "rooms", "--follow", "soon")).toMatchObject({ exit: 2 });
  expect(await run("export", "rooms", "--to", "stores/one")).toMatchObject({
    exit: 2,
    err: expect.stringContaining("names no storage"),
  });
  await symlink("/usr", join(folder, "elsewhere"));
  for (const place of ["/usr/local/share/store", "elsewhere/share/store"])
    expect(await run("export", "rooms", "--to", place)).toMatchObject({
      exit: 2,
      err: expect.stringMatching(/keeps stores below .* alone[\s\S]*REHEARSAL_STORES/),
    });
  expect(await run("export", "rooms", "--to", ".", "--no-feed")).toMatchObject({
    exit: expect.any(Number),
    out: expect.stringContaining("StorePlaceTaken"),
  });
  expect(await run("export", "rooms", "--to", "still", "--no-feed")).toMatchObject({ exit: 0 });
  expect(await run("sync", "rooms")).toMatchObject({ out: expect.stringContaining("StoreNotFollowed") });
  expect((await run("give-up", "rooms")).out).toContain("given-up");
});
