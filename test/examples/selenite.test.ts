import { readdir, readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { tablesOf } from "../../core/inventory-shape.ts";
import { compareTables } from "../../core/inventory-tables.ts";
import { checkProject, type Project } from "../../core/project.ts";
import { fillBucket, fillProduction } from "../../examples/selenite/generate.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { dropDatabases, execute, freshDatabase, newestServer } from "../postgres.ts";

const EXAMPLE = new URL("../../examples/selenite/", import.meta.url);

let address: DatabaseAddress;
let session: Session;
let bucket: TestBucket;

beforeAll(async () => {
  bucket = await startBucket("selenite");
  address = await freshDatabase(newestServer());
  session = await openSession(address, { application: "test" });
});

afterAll(async () => {
  await session.close();
  await dropDatabases(address);
  await bucket.stop();
});

/** The example as a project, with what releases lay over it. */
async function projectOf(...releases: string[]): Promise<Project> {
  const files = new Map<string, Uint8Array>();
  for (const layer of ["", ...releases.map((release) => `releases/${release}/`)]) {
    const paths = await readdir(new URL(layer || ".", EXAMPLE), { recursive: true });
    for (const path of paths.filter((one) => !one.startsWith("releases/") && /\.(sql|yaml)$/.test(one)))
      files.set(path, await readFile(new URL(layer + path, EXAMPLE)));
  }
  return checkProject([...files].map(([path, bytes]) => ({ path, bytes })));
}

async function apply({ migrations }: Project, after = 0): Promise<void> {
  for (const { sql, version } of migrations) if (version > after) await execute(address, sql);
}

async function departures({ inventory }: Project): Promise<string[]> {
  return compareTables(inventory, tablesOf(await readShape(session))).map(({ says }) => says);
}

test("the inventory says what each release holds, and the first one's does not say what the second adds", async () => {
  const [first, second] = [await projectOf(), await projectOf("2-two-factor")];
  await apply(first);
  expect(await departures(first)).toEqual([]);
  await fillProduction(session, { jobs: 400 });
  for (const { name, sql } of first.checks)
    expect(
      (await execute(address, sql)).map(({ rowCount }) => rowCount),
      name,
    ).toEqual([0]);
  expect(first.migrations.every(({ idempotent }) => idempotent)).toBe(true);

  await apply(second, first.migrations.length);
  expect(await departures(first)).toEqual([
    "the table backup_codes is not declared",
    "the column users.totp_secret is not declared",
    "the column users.totp_confirmed_at is not declared",
  ]);
  expect(await departures(second)).toEqual([]);
});

test("what the rows speak of lies under the declared prefixes, and under each lies something", async () => {
  const { inventory } = await projectOf();
  expect(await fillBucket(session, bucket.store)).toBeGreaterThan(50);
  const keys = await bucket.keys("");
  const prefixes = inventory.storage.map(({ prefix }) => prefix);
  expect(prefixes.filter((prefix) => !keys.some((key) => key.startsWith(prefix)))).toEqual([]);
  expect(keys.filter((key) => !prefixes.some((prefix) => key.startsWith(prefix)))).toEqual([]);
});
