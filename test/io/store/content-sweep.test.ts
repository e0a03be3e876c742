/** Files of contents that no row refers to: swept from a folder, whoever writes and reads meanwhile. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBucketPlace } from "../../../io/store/bucket-place.ts";
import { openFolderPlace } from "../../../io/store/folder-place.ts";
import { type JsonStore, openJsonStore } from "../../../io/store/json-store.ts";
import type { Place } from "../../../io/store/place.ts";
import { startBucket } from "../../bucket.ts";
import { refusalOf } from "../../refusal.ts";
import { DEFINITION as definition } from "./definition.ts";

let top: string;
let places = 0;
beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), "content-sweep-"));
});
afterAll(() => rm(top, { recursive: true }));

/** A folder of its own, to be opened several times. */
function fresh(): () => Promise<Place> {
  const folder = join(top, String(++places));
  return () => openFolderPlace(folder);
}

const user = (id: string, name = id) => ({ id, email: null, name });

const contents = async (store: JsonStore) => {
  const found: string[] = [];
  for await (const { path } of store.place.list("binaries/")) if (!path.endsWith(".jsonl")) found.push(path);
  return found;
};
const image = (number: number, text: string) => ({
  ...{ number, chat_id: null, about: {} },
  data: Buffer.from(text).toString("base64"),
});

test("contents that no row refers to are swept, those of rows and everything else stay", async () => {
  const at = fresh();
  const store = await openJsonStore({ place: await at(), definition, create: "canonical" });
  for (const number of [1, 2, 3, 4]) await store.append("Image", image(number, `of ${number % 3}`));
  await store.put("Image", image(2, "another"));
  await store.delete("Image", { number: 1 });
  await store.delete("Image", { number: 3 });
  expect(await contents(store)).toHaveLength(4);
  const follower = await openJsonStore({ place: await at(), definition, as: "follower" });
  expect(await follower.sweepContents()).toEqual({ files: 2, bytes: 8 });
  expect(await contents(store)).toHaveLength(2);
  const rows = (await store.list("Image", {})).rows;
  expect(rows).toEqual([image(2, "another"), image(4, "of 1")]);
  expect(await follower.sweepContents()).toEqual({ files: 0, bytes: 0 });
  // One that comes again is written again.
  await store.append("Image", image(3, "of 0"));
  expect(await store.get("Image", { number: 3 })).toEqual(image(3, "of 0"));
  await Promise.all([store.close(), follower.close()]);
});

test("beside more commits than the head tells of, contents are left for the next time", async () => {
  const at = fresh();
  const store = await openJsonStore({ place: await at(), definition, create: "canonical" });
  await store.append("Image", image(1, "gone"));
  await store.delete("Image", { number: 1 });
  const inner = await at();
  let looks = 0;
  const place: Place = {
    ...inner,
    list: async function* (prefix) {
      yield* inner.list(prefix);
      // Behind the look through the rows.
      if (prefix === "" && ++looks === 1)
        for (let commit = 0; commit < 130; commit++) await store.put("User", user("u1", String(commit)));
    },
  };
  const sweeper = await openJsonStore({ place, definition, as: "follower" });
  expect(await sweeper.sweepContents()).toEqual({ files: 0, bytes: 0 });
  expect(await sweeper.sweepContents()).toEqual({ files: 1, bytes: 4 });
  await Promise.all([store.close(), sweeper.close()]);
});

test("a reader whose row goes, and whose content is swept, before it is read finds no damage but no row", async () => {
  const at = fresh();
  const store = await openJsonStore({ place: await at(), definition, create: "canonical" });
  await store.append("Image", image(1, "soon gone"));
  const inner = await at();
  let swept = 0;
  const place: Place = {
    ...inner,
    read: async (path) => {
      if (swept === 0 && (await contents(store)).includes(path)) {
        await store.delete("Image", { number: 1 });
        swept = (await store.sweepContents()).files;
      }
      return inner.read(path);
    },
  };
  const reader = await openJsonStore({ place, definition });
  expect(await reader.get("Image", { number: 1 })).toBeUndefined();
  expect(swept).toBe(1);
  await Promise.all([store.close(), reader.close()]);
});

test("beside writers a sweep takes no content that a row has", async () => {
  const at = fresh();
  const stores = await Promise.all(
    [1, 2, 3].map(async () =>
      openJsonStore({ place: await at(), definition, create: "canonical", cacheBytes: 1 }),
    ),
  );
  const sweeper = await openJsonStore({ place: await at(), definition, as: "follower" });
  let over = false;
  // All of them use the same few contents, which come and go.
  const writing = stores.map(async (store, nth) => {
    for (let round = 0; round < 25; round++) {
      await store.put("Image", image(nth, `shared ${round % 5}`));
      await store.delete("Image", { number: nth });
      await store.put("Image", image(nth, `shared ${(round + 1) % 5}`));
    }
  });
  const reading = (async () => {
    for (const [store] = stores; !over && store !== undefined; )
      for (const { data } of (await store.list("Image", {})).rows as unknown as { data: string }[])
        expect(Buffer.from(data, "base64").toString()).toMatch(/^shared [0-4]$/);
  })();
  let swept = 0;
  const sweeping = (async () => {
    while (!over) swept += (await sweeper.sweepContents()).files;
  })();
  await Promise.all(writing).finally(() => {
    over = true;
  });
  await Promise.all([reading, sweeping]);
  expect(swept).toBeGreaterThan(0);
  const { rows } = await sweeper.list("Image", {});
  expect(rows).toHaveLength(3);
  await Promise.all([...stores, sweeper].map((store) => store.close()));
});

test("contents of a store in a bucket are not swept, for nothing keeps writers out", async () => {
  const bucket = await startBucket();
  const place = openBucketPlace({ bucket: "tests", prefix: "stores/swept" });
  const store = await openJsonStore({ place, definition, create: "canonical" });
  expect(await refusalOf(() => store.sweepContents())).toMatchObject({
    code: "StorePlaceUnfit",
    hint: expect.stringContaining("name a folder"),
  });
  await store.close();
  await bucket.stop();
});
