/** The JSON store in a folder and in a bucket: one head, states, the move's writes, several at once, and what a store is opened with. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBucketPlace } from "../../../io/store/bucket-place.ts";
import { openFolderPlace } from "../../../io/store/folder-place.ts";
import { type JsonStore, openJsonStore } from "../../../io/store/json-store.ts";
import type { Place } from "../../../io/store/place.ts";
import { startBucket, type TestBucket } from "../../bucket.ts";
import { refusalOf } from "../../refusal.ts";
import { audited } from "./audit.ts";
import { DEFINITION as definition } from "./definition.ts";

let bucket: TestBucket;
let top: string;
let places = 0;
beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), "rehearsal-store-"));
  bucket = await startBucket();
});
afterAll(async () => {
  await bucket.stop();
  await rm(top, { recursive: true, force: true });
});

const user = (id: string, name = id) => ({ id, email: null, name });
const chat = (id: string) => ({ id, user_id: "u1", title: null });
const message = (id: string, position: number, chat_id = "c1") => ({
  ...{ id, chat_id, position, reply_to: null, body: `body of ${id}` },
});
const tag = (id: string, name: string) => ({ id, name });

const KINDS: [string, () => Promise<() => Promise<Place>>][] = [
  [
    "folder",
    async () => {
      const folder = join(top, String(++places));
      return () => openFolderPlace(folder);
    },
  ],
  [
    "bucket",
    async () => {
      const prefix = `stores/${++places}`;
      return async () => openBucketPlace({ bucket: "tests", prefix });
    },
  ],
];

describe.each(KINDS)("in a %s", (kind, fresh) => {
  test("many writers in one process and in two lose no update, and none is refused", async () => {
    const at = await fresh();
    const one = await openJsonStore({ place: await at(), definition, create: "canonical" });
    const other = await openJsonStore({ place: await at(), definition });
    await one.put("User", user("u1", "0"));
    const count = (store: JsonStore) =>
      store.transaction(async (tx) => {
        const row = await tx.get("User", { id: "u1" });
        await tx.put("User", user("u1", String(Number(row?.name) + 1)));
      });
    const all = Array.from({ length: 12 }, (_, nth) => count(nth % 3 === 0 ? other : one));
    await Promise.all([...all, one.append("Tag", tag("t1", "red")), one.append("Tag", tag("t2", "blue"))]);
    expect((await other.get("User", { id: "u1" }))?.name).toBe("12");
    expect(await other.count("Tag")).toBe(2);
    await one.close();
    await other.close();
  });

  test("a transaction that throws, is refused or is asked after its end leaves nothing", async () => {
    const at = await fresh();
    const store = await openJsonStore({ place: await at(), definition, create: "canonical" });
    await expect(
      store.transaction(async (tx) => {
        await tx.put("User", user("u1"));
        throw new Error("changed my mind");
      }),
    ).rejects.toThrow("changed my mind");
    const caught = await refusalOf(() =>
      store.transaction(async (tx) => {
        await tx.put("User", user("u1"));
        await tx.put("Chat", { ...chat("c1"), user_id: "nobody" }).catch(() => undefined);
        await expect(tx.get("User", { id: "u1" })).rejects.toMatchObject({ code: "StoreClosed" });
      }),
    );
    expect(caught.code).toBe("StoreReferenceMissing");
    expect(caught.hint).toContain("write the row that it refers to first");
    expect(await store.count("User")).toBe(0);
    expect((await store.head()).seq).toBe(0);
    await store.close();
    expect((await refusalOf(() => store.count("User"))).code).toBe("StoreClosed");
  });

  test("what the move applies comes once, with its notes, and only where a store follows", async () => {
    const at = await fresh();
    const store = await openJsonStore({ place: await at(), definition, as: "follower", create: "following" });
    const from = (cursor: number) => (notes: { cursor?: unknown }) => {
      if ((notes.cursor ?? 0) !== cursor) throw new Error("somebody else has applied it");
      return { ...notes, cursor: cursor + 1 };
    };
    const changes = [
      // In no order that a constraint would allow.
      { model: "Message", put: message("m1", 1) },
      { model: "Chat", put: chat("c1") },
      { model: "Tag", put: tag("t1", "red") },
    ];
    const both = await Promise.allSettled([store.apply(changes, from(0)), store.apply(changes, from(0))]);
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(await store.head()).toMatchObject({ seq: 1, notes: { cursor: 1 } });
    // A row that went to another file, one that is gone, and a model that was emptied first.
    await store.apply(
      [
        { model: "Message", put: message("m1", 1, "c2") },
        { model: "Chat", delete: { id: "c1" } },
        { model: "Tag", clear: true },
        { model: "Tag", put: tag("t2", "red") },
      ],
      from(1),
    );
    expect((await store.list("Message", { chat_id: "c2" })).rows).toEqual([message("m1", 1, "c2")]);
    expect((await store.list("Message", { chat_id: "c1" })).rows).toEqual([]);
    expect((await store.list("Tag", {})).rows).toEqual([tag("t2", "red")]);
    const put = await refusalOf(() => store.put("Tag", tag("t3", "blue")));
    expect(put.code).toBe("StoreNotCanonical");

    const application = await openJsonStore({ place: await at(), definition });
    const refused = await refusalOf(() => application.get("Tag", { id: "t2" }));
    expect(refused).toMatchObject({ code: "StoreNotCanonical" });
    expect(refused.hint).toContain("the database counts until the cutover");
    await store.setState("following", "canonical", (notes) => ({ ...notes, left: true }));
    expect(await application.get("Tag", { id: "t2" })).toEqual(tag("t2", "red"));
    const late = await refusalOf(() => store.apply(changes));
    expect(late.code).toBe("StoreNotCanonical");
    expect(late.hint).toContain("set DATA_BACKEND to json");
    expect((await store.head()).notes).toEqual({ cursor: 2, left: true });
    await store.settle();
    await audited(store.place, definition);
    await application.close();
    await store.close();
  });

  test("a change of thousands of rows is one commit, which others see whole and go on from", async () => {
    const at = await fresh();
    const store = await openJsonStore({ place: await at(), definition, as: "follower", create: "following" });
    const many = Array.from({ length: 2000 }, (_, nth) => message(`m${nth}`, nth, `c${nth % 7}`));
    const reader = await openJsonStore({ place: await at(), definition, as: "follower" });
    expect(await reader.list("Message", {})).toEqual({ rows: [] });
    await store.apply(many.map((put) => ({ model: "Message", put })));
    const { last } = await reader.head();
    expect(last).toMatchObject({ object: expect.stringMatching(/^cache\/changes\/1-[0-9a-f]{16}\.jsonl$/) });
    expect(await reader.count("Message")).toBe(2000);
    const first = await reader.list("Message", { chat_id: "c3" }, { limit: 100 });
    const second = await reader.list(
      "Message",
      { chat_id: "c3" },
      { ...(first.next && { after: first.next }) },
    );
    expect([...first.rows, ...second.rows]).toEqual(
      many.filter(({ chat_id }) => chat_id === "c3").sort((a, b) => (a.id < b.id ? -1 : 1)),
    );
    expect(second.next).toBeUndefined();
    await store.apply([{ model: "Message", clear: true }]);
    await store.apply([{ model: "Message", put: message("m1", 1) }]);
    expect((await reader.list("Message", {})).rows).toEqual([message("m1", 1)]);
    const left: string[] = [];
    for await (const { path } of store.place.list("cache/changes/")) left.push(path);
    expect(left).toEqual([]);
    await audited(store.place, definition);
    await reader.close();
    await store.close();
  });

  test("whoever was away for more commits than the head tells of reads all of it anew", async () => {
    const at = await fresh();
    const away = await openJsonStore({ place: await at(), definition, create: "canonical" });
    await away.put("User", user("u1"));
    await away.put("Chat", chat("c1"));
    expect((await away.list("Message", { chat_id: "c1" })).rows).toEqual([]);
    const busy = await openJsonStore({ place: await at(), definition });
    for (let nth = 0; nth < 140; nth++) await busy.put("Message", message("m1", nth));
    const rows = [message("m1", 139)];
    expect((await away.list("Message", { chat_id: "c1" })).rows).toEqual(rows);
    await away.delete("User", { id: "u1" });
    expect(await busy.count("Message")).toBe(0);
    expect(await busy.list("Message", {})).toEqual({ rows: [] });
    await busy.settle();
    await audited(busy.place, definition);
    await busy.close();
    await away.close();
  });

  test("a store is opened only where one is, and as what it was made of", async () => {
    const at = await fresh();
    const nothing = await refusalOf(async () => openJsonStore({ place: await at(), definition }));
    expect(nothing.code).toBe("StoreMissing");
    expect(nothing.hint).toContain("head.json is written last");
    const place = await at();
    await place.write("holiday.txt", Buffer.from("not ours"), undefined);
    const taken = await refusalOf(() => openJsonStore({ place, definition, create: "canonical" }));
    expect(taken.code).toBe("StorePlaceUnfit");
    expect(taken.message).toContain('"holiday.txt"');
    await place.remove("holiday.txt");
    const store = await openJsonStore({ place, definition, create: "canonical" });
    const models = definition.models.map((model) => ({ ...model, file: "all.json" }));
    const other = await refusalOf(async () =>
      openJsonStore({ place: await at(), definition: { ...definition, models } }),
    );
    expect(other.code).toBe("StoreDefinitionDiffers");
    expect(other.hint).toContain("rehearsal store models");
    const head = await place.read("head.json");
    await place.write("head.json", Buffer.from('{"format":"rehearsal-store-head/2"}'), head?.tag);
    const damaged = await refusalOf(() => store.count("User"));
    expect(damaged.code).toBe("StoreFileDamaged");
    expect(damaged.message).toContain('"head.json"');
    await store.close();
  });

  test("contents lie as files of their own, equal ones once, and are given back as they were", async () => {
    const at = await fresh();
    const store = await openJsonStore({ place: await at(), definition, create: "canonical" });
    const data = Buffer.from(Uint8Array.from({ length: 1000 }, (_, nth) => nth)).toString("base64");
    const image = (number: number) => ({ number, chat_id: null, data, about: { of: [number] } });
    await store.transaction(async (tx) => {
      await tx.append("Image", image(10));
      await tx.append("Image", image(9));
      expect(await tx.get("Image", { number: 10 })).toEqual(image(10));
    });
    const { rows } = await store.list("Image", {});
    expect(rows).toEqual([image(9), image(10)]);
    const files: string[] = [];
    for await (const { path } of store.place.list("binaries/")) files.push(path);
    expect(files).toHaveLength(2);
    // What was given is the caller's own.
    Object.assign((rows[0] as { about: object }).about, { of: "changed" });
    expect(await store.get("Image", { number: 9 })).toEqual(image(9));
    const path = files.find((one) => !one.endsWith(".jsonl")) ?? "";
    const found = await store.place.read(path);
    await store.place.write(path, Buffer.from("edited by hand"), found?.tag);
    expect((await refusalOf(() => store.get("Image", { number: 9 }))).code).toBe("StoreFileDamaged");
    await store.close();
  });

  if (kind === "folder")
    test("a folder that another process does not let go of is busy, not waited for without end", async () => {
      const folder = join(top, String(++places));
      const place = await openFolderPlace(folder, { patience: 60 });
      const store = await openJsonStore({ place, definition, create: "canonical" });
      const other = new DatabaseSync(join(folder, "cache/lock.sqlite"));
      other.exec("begin exclusive");
      const busy = await refusalOf(() => store.put("User", user("u1")));
      expect(busy.code).toBe("StoreBusy");
      expect(busy.hint).toContain("try again later");
      // Reading asks nobody.
      expect(await store.count("User")).toBe(0);
      other.close();
      await store.put("User", user("u1"));
      expect(await store.count("User")).toBe(1);
      await store.close();
    });
});
