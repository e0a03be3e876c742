/** An export to a place: begun anew, not done twice, and never over what lies there. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBucketPlace } from "../../../../io/store/bucket-place.ts";
import { type JsonStore, openJsonStore } from "../../../../io/store/json-store.ts";
import { atOneCut } from "../../../../io/store/move/cut.ts";
import { exportStore } from "../../../../io/store/move/export.ts";
import { modelRows } from "../../../../io/store/move/model-rows.ts";
import { verifyStore } from "../../../../io/store/move/verify.ts";
import { openPlace } from "../../../../io/store/open-place.ts";
import { startBucket, type TestBucket } from "../../../bucket.ts";
import { dropDatabases, execute } from "../../../postgres.ts";
import { refusalOf } from "../../../refusal.ts";
import { CHATS_MARKS, CHATS_SQL, CHATS_YAML, fillChats } from "./chats.ts";
import { FEED, type MovedDatabase, movedDatabase } from "./database.ts";

let folder: string;
let bucket: TestBucket;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "export-"));
  bucket = await startBucket();
});
afterAll(async () => {
  await bucket.stop();
  await rm(folder, { recursive: true });
});

async function expectEqual({ address, store }: MovedDatabase & { store: JsonStore }): Promise<void> {
  const found = await verifyStore({ store, database: { address, application: "test", feed: FEED } });
  expect(found.problems).toEqual([]);
}

test("an export that was killed is begun anew, one that was done is not done again, and nothing is written over", async () => {
  const database = await movedDatabase(CHATS_SQL + fillChats(20), CHATS_YAML, CHATS_MARKS);
  const place = await openPlace(join(folder, "begun"));
  const about = { ...database, application: "test", place, feed: FEED };
  const die = (point: string) => (passed: string) => {
    if (passed === point) throw new Error("died");
  };
  try {
    await expect(exportStore({ ...about, id: "one", passed: die("files") })).rejects.toThrow("died");
    // What is there meanwhile is a closed store without rows, which nobody takes for one.
    const half = await openJsonStore({
      place: await openPlace(join(folder, "begun")),
      definition: database.definition,
      as: "follower",
    });
    expect(await half.head()).toMatchObject({ state: "closed", models: { Chat: { rows: 0 } } });
    await half.close();
    await execute(database.address, "delete from chats where id = 'c1'");
    const two = await exportStore({ ...about, id: "two" });
    expect(two.head.models.Chat?.rows).toBe(19);
    await execute(database.address, "delete from chats where id = 'c2'");
    expect(await exportStore({ ...about, id: "two" })).toEqual(two);
    expect(await refusalOf(() => exportStore({ ...about, id: "three" }))).toEqual({
      code: "StorePlaceTaken",
      message: expect.stringContaining('something lies there already, "head.json"'),
      hint: "name another place, or an empty one: an export writes over nothing",
    });
    const store = await openJsonStore({ place, definition: database.definition, as: "follower" });
    await expectEqual({ ...database, store });
    await store.close();
  } finally {
    await dropDatabases(database.address);
  }
});

test("of two exports to one prefix of a bucket the later one is whole, and the other one stops", async () => {
  const database = await movedDatabase(CHATS_SQL + fillChats(20), CHATS_YAML, CHATS_MARKS);
  const place = () => openBucketPlace({ bucket: "tests", prefix: "twice" });
  const about = { ...database, application: "test", feed: FEED, connections: 1 };
  try {
    let second: Promise<unknown> | undefined;
    const first = exportStore({
      ...{ ...about, place: place(), id: "one" },
      passed: (point) => {
        if (point === "begun") second = exportStore({ ...about, place: place(), id: "two" });
      },
    });
    const ends = await Promise.allSettled([first, first.catch(() => undefined).then(() => second)]);
    const refused = ends.flatMap((end) =>
      end.status === "rejected" ? [(end.reason as { code: string }).code] : [],
    );
    expect(refused.length).toBeGreaterThan(0);
    for (const code of refused) expect(["StoreExportOvertaken", "StorePlaceTaken"]).toContain(code);
    await exportStore({ ...about, place: place(), id: "two" }).catch(() =>
      exportStore({ ...about, place: place(), id: "one" }),
    );
    const store = await openJsonStore({ place: place(), definition: database.definition, as: "follower" });
    await expectEqual({ ...database, store });
    await store.close();
  } finally {
    await dropDatabases(database.address);
  }
});

test("wide rows are held a few at a time, and contents do not count in the size of a document", async () => {
  const megabytes = 33;
  const database = await movedDatabase(
    `create table images (id int primary key, data bytea);
     insert into images select g, decode(repeat('5a', 1024 * 1024), 'hex') from generate_series(1, ${megabytes}) g`,
    'models: { Image: { table: images, file: images.json, content: { data: "binaries/{sha256}" } } }',
  );
  const place = await openPlace(join(folder, "wide"));
  try {
    const about = { ...database, application: "test", place };
    await atOneCut(about, async ({ open }) => {
      const session = await open();
      const batches: number[] = [];
      for (const model of database.definition.models)
        for await (const { rows } of modelRows(session, model)) batches.push(rows.length);
      await session.close();
      expect(batches).toEqual(Array.from({ length: megabytes }, () => 1));
    });
    expect(await exportStore({ ...about, id: "one" })).toMatchObject({ rows: megabytes });
  } finally {
    await place.close();
    await dropDatabases(database.address);
  }
});
