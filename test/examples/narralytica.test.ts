import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { compareBaselines, keptColumns } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { parseMigration } from "../../core/migration.ts";
import { checkProject, type Project } from "../../core/project.ts";
import { isPart } from "../../core/project-paths.ts";
import { schemaLock } from "../../core/schema-lock.ts";
import { schemaPage } from "../../core/schema-page.ts";
import { fingerprint } from "../../core/shape.ts";
import { fillProduction } from "../../examples/narralytica/generate.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { dropDatabases, ends, execute, freshDatabase, rows, servers } from "../postgres.ts";

const EXAMPLE = new URL("../../examples/narralytica/", import.meta.url);
const RELEASES = ["2-speakers", "3-broken", "4-smoke-fails"].map((name) => `releases/${name}/`);
const SEGMENTS = 12_000;

/** The files of a folder of the example, in the order of their names; none when there is no such folder. */
async function filesOf(folder: string): Promise<{ path: string; bytes: Buffer; sql: string }[]> {
  const names = await readdir(new URL(folder, EXAMPLE)).catch(() => []);
  return Promise.all(
    names.sort().map(async (name) => {
      const bytes = await readFile(new URL(`${folder}/${name}`, EXAMPLE));
      return { path: `${folder}/${name}`, bytes, sql: bytes.toString() };
    }),
  );
}

async function apply(address: DatabaseAddress, ...folders: string[]) {
  for (const folder of folders)
    for (const { path, sql } of [
      ...(await filesOf(`${folder}migrations`)),
      ...(await filesOf(`${folder}views`)),
    ])
      await execute(address, sql).catch((error: unknown) => {
        throw new Error(`${path} failed`, { cause: error });
      });
}

async function withSession<T>(address: DatabaseAddress, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(address, { application: "test" });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

const fill = (address: DatabaseAddress) =>
  withSession(address, (session) => fillProduction(session, { segments: SEGMENTS }));
const baselineOf = (address: DatabaseAddress) => withSession(address, (session) => readBaseline(session));
const shapeOf = (address: DatabaseAddress) => withSession(address, readShape);

async function brokenChecks(address: DatabaseAddress): Promise<string[]> {
  const broken: string[] = [];
  for (const { path, sql } of await filesOf("checks"))
    if ((await execute(address, sql)).some((result) => result.rowCount !== 0)) broken.push(path);
  return broken;
}

test("each release is a project that Rehearsal takes, with a word on what each file does", async () => {
  const projectOf = async (...layers: string[]) => {
    const files = new Map<string, Uint8Array>();
    for (const layer of layers)
      for (const path of (await readdir(new URL(layer || ".", EXAMPLE), { recursive: true })).filter((path) =>
        isPart(path),
      )) {
        if (path.endsWith(".sql") || path.endsWith(".yaml"))
          files.set(path, await readFile(new URL(layer + path, EXAMPLE)));
      }
    for (const [path, bytes] of files)
      if (path.endsWith(".sql")) expect(Buffer.from(bytes).toString(), path).toMatch(/^-- \w.*\.\n/);
    return checkProject([...files].map(([path, bytes]) => ({ path, bytes })));
  };
  const numbers = (project: Project) => project.migrations.map((migration) => migration.version);
  const first = await projectOf("");
  expect(first).toMatchObject({
    name: "narralytica",
    views: { length: 3 },
    seeds: { length: 1 },
    checks: { length: 6 },
  });
  expect(numbers(first)).toEqual([1, 2, 3, 4]);
  const [speakers = "", broken = "", smoke = ""] = RELEASES;
  expect(numbers(await projectOf("", speakers))).toEqual([1, 2, 3, 4, 5]);
  expect(numbers(await projectOf("", speakers, broken))).toEqual([1, 2, 3, 4, 5, 6]);
  const last = await projectOf("", speakers, smoke);
  expect(last.migrations.map((migration) => migration.transactional)).toEqual([
    true,
    true,
    true,
    true,
    true,
    true,
    false,
  ]);
});

test("the generator draws the same rows on every server", async () => {
  const addresses = await Promise.all(
    [...servers, ...servers.slice(0, 1)].map((server) => freshDatabase(server)),
  );
  for (const address of addresses) {
    await apply(address, "");
    await fill(address);
  }
  const [first, ...others] = await Promise.all(addresses.map(baselineOf));
  if (first === undefined) throw new Error("no server runs");
  for (const other of others) expect(compareBaselines(first, other)).toEqual([]);
  expect(first.tables['"public"."segments"']?.rows).toBe(SEGMENTS);
  await dropDatabases(...addresses);
});

describe.each(ends)("narralytica on Postgres $major", (server) => {
  test("production keeps every check, grows on, and takes releases 2 and 4", async () => {
    const address = await freshDatabase(server);
    await apply(address, "");
    await fill(address);
    expect(await brokenChecks(address)).toEqual([]);
    await execute(address, "insert into speakers (slug, display_name) values ('one-more', 'One More')");

    const [shape, baseline] = [await shapeOf(address), await baselineOf(address)];
    // Written anew by this test, run with --update.
    await expect(schemaPage(schemaLock(shape))).toMatchFileSnapshot(
      fileURLToPath(new URL("schema.md", EXAMPLE)),
    );
    await apply(address, "releases/2-speakers/");
    const grown = await shapeOf(address);
    const kept = await withSession(address, (session) =>
      readBaseline(session, { columns: keptColumns(shape, grown), tables: Object.keys(baseline.tables) }),
    );
    expect(compareBaselines(baseline, { ...kept, sequences: baseline.sequences })).toEqual([]);
    expect(await brokenChecks(address)).toEqual([]);
    const [counts] = await rows<{ people: number; merged: number; doubtful: number }>(
      address,
      `select (select count(*) from public.speaker_identities)::int as people,
        (select count(identity_id) from public.speakers)::int as merged,
        (select count(*) from public.segments where needs_review)::int as doubtful`,
    );
    expect(counts?.people).toBeGreaterThan(0);
    expect(counts?.merged).toBeGreaterThan(counts?.people ?? 0);
    expect(counts?.doubtful).toBeGreaterThan(0);
    expect(counts?.doubtful).toBeLessThan(SEGMENTS / 10);

    await apply(address, "releases/4-smoke-fails/");
    expect(Object.keys((await shapeOf(address)).objects)).toContain("index public.segments_body_search");
    expect(await brokenChecks(address)).toEqual([]);
    await dropDatabases(address);
  });

  test("what is said to be idempotent changes nothing the second time", async () => {
    const address = await freshDatabase(server);
    await apply(address, "");
    await fill(address);
    for (const release of RELEASES) {
      for (const { path, bytes, sql } of await filesOf(`${release}migrations`)) {
        if (!(await parseMigration(path.replace(release, ""), bytes)).idempotent) continue;
        await execute(address, sql);
        const [shape, baseline] = [await shapeOf(address), await baselineOf(address)];
        await execute(address, sql);
        expect(fingerprint(await shapeOf(address)), path).toBe(fingerprint(shape));
        // A sequence moves on also where ON CONFLICT does nothing.
        const again = await baselineOf(address);
        expect(compareBaselines(baseline, { ...again, sequences: baseline.sequences }), path).toEqual([]);
      }
    }
    await dropDatabases(address);
  });

  test("release 3 fails on what production holds, and not on the seeds", async () => {
    const [production, dev] = [await freshDatabase(server), await freshDatabase(server)];
    for (const address of [production, dev]) await apply(address, "", "releases/2-speakers/");
    await fill(production);
    await execute(dev, (await readFile(new URL("seeds/dev.sql", EXAMPLE))).toString());
    await apply(dev, "releases/3-broken/");
    await expect(apply(production, "releases/3-broken/")).rejects.toMatchObject({
      cause: { code: "StatementFailed", facts: { sqlstate: "23505" } },
    });
    await dropDatabases(production, dev);
  });

  test("the seeds load into an empty database, keep every check, and change nothing the second time", async () => {
    const address = await freshDatabase(server);
    await apply(address, "");
    const seeds = (await readFile(new URL("seeds/dev.sql", EXAMPLE))).toString();
    await execute(address, seeds);
    const { tables } = await baselineOf(address);
    expect(tables['"public"."segments"']?.rows).toBe(4);
    expect(await brokenChecks(address)).toEqual([]);
    await execute(address, seeds);
    expect((await baselineOf(address)).tables).toEqual(tables);
    await dropDatabases(address);
  });
});
