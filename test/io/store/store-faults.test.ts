/**
 * What a store's place does to it: answers that fail and get lost, others who were first, a full disk, torn lines, links, and clocks.
 * Long because each fault is a test of its own, on the place where it happens.
 */
import { execFile } from "node:child_process";
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { RehearsalError } from "../../../core/errors.ts";
import { openBucketPlace } from "../../../io/store/bucket-place.ts";
import { openFolderPlace } from "../../../io/store/folder-place.ts";
import { type JsonStore, openJsonStore } from "../../../io/store/json-store.ts";
import { claimPlace } from "../../../io/store/move/place-claim.ts";
import type { Place } from "../../../io/store/place.ts";
import { startBucket, type TestBucket } from "../../bucket.ts";
import { type FaultyProxy, startFaultyProxy } from "../../local/faulty-proxy.ts";
import { refusalOf } from "../../refusal.ts";
import { audited } from "./audit.ts";
import { DEFINITION as definition } from "./definition.ts";

const run = promisify(execFile);
let top: string;
let places = 0;
beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), "rehearsal-store-"));
});
afterAll(() => rm(top, { recursive: true, force: true }));

const log = (number: number) => ({ number, what: `entry ${number}` });
const user = (id: string) => ({ id, email: null, name: id });

describe("a bucket", () => {
  let bucket: TestBucket;
  let proxy: FaultyProxy;
  let store: JsonStore;
  let prefix: string;
  beforeAll(async () => {
    bucket = await startBucket();
    proxy = await startFaultyProxy(process.env.AWS_ENDPOINT_URL_S3 ?? "");
    process.env.AWS_ENDPOINT_URL_S3 = proxy.url;
  });
  afterAll(async () => {
    await proxy.stop();
    await bucket.stop();
  });
  beforeEach(async () => {
    prefix = `stores/${++places}`;
    store = await open("canonical");
    await store.append("Log", log(1));
  });
  afterEach(async () => {
    expect(proxy.spent()).toBe(true);
    await store.settle();
    await audited(store.place, definition);
    await store.close();
  });
  const open = (create?: "canonical") =>
    openJsonStore({
      place: openBucketPlace({ bucket: "tests", prefix }),
      definition,
      ...(create !== undefined && { create }),
    });
  const HEAD = /head\.json/;
  const FILE = /log\.jsonl/;

  test("whose answers to a commit are lost has committed it, once", async () => {
    proxy.inject({ kind: "lost-reply" }, { method: "PUT", path: HEAD });
    await store.append("Log", log(2));
    proxy.inject({ kind: "lost-reply" }, { method: "PUT", path: FILE });
    await store.append("Log", log(3));
    expect(await store.head()).toMatchObject({ seq: 3 });
    expect((await store.list("Log", {})).rows).toEqual([log(1), log(2), log(3)]);
  });

  test("that answers with 5xx, resets and half an answer is asked again", async () => {
    proxy.inject({ kind: "status", status: 503, code: "SlowDown" }, { method: "PUT", path: HEAD });
    proxy.inject({ kind: "reset" }, { method: "PUT", path: FILE });
    await store.append("Log", log(2));
    const other = await open();
    proxy.inject({ kind: "truncate", after: 20 }, { method: "GET", path: FILE });
    proxy.inject({ kind: "status", status: 500, code: "InternalError" }, { method: "GET", path: HEAD });
    expect((await other.list("Log", {})).rows).toEqual([log(1), log(2)]);
    await other.close();
  });

  test("that answers no commit for long has it done all the same, or not at all", async () => {
    // All of the SDK's own tries: the first is written again when the head shows that it was not.
    proxy.inject(
      { kind: "status", status: 500, code: "InternalError" },
      { method: "PUT", path: HEAD, times: 5 },
    );
    await store.append("Log", log(2));
    proxy.inject(
      { kind: "status", status: 500, code: "InternalError" },
      { method: "PUT", path: FILE, times: 5 },
    );
    // Committed, and in no file yet.
    await store.append("Log", log(3));
    const other = await open();
    expect((await other.list("Log", {})).rows).toEqual([log(1), log(2), log(3)]);
    await other.append("Log", log(4));
    expect((await store.list("Log", {})).rows).toEqual([1, 2, 3, 4].map(log));
    await other.close();
  });

  test("that says 412 and 409 of what nobody else has done is asked again, and of what somebody has is believed", async () => {
    proxy.inject({ kind: "status", status: 412, code: "PreconditionFailed" }, { method: "PUT", path: HEAD });
    proxy.inject(
      { kind: "status", status: 409, code: "ConditionalRequestConflict" },
      { method: "PUT", path: FILE },
    );
    await store.append("Log", log(2));
    const others = await Promise.all([open(), open(), open()]);
    const taken = await Promise.allSettled(
      [...others, ...others].map((other) => other.append("Log", log(3))),
    );
    expect(taken.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect((await store.list("Log", {})).rows).toEqual([log(1), log(2), log(3)]);
    expect((await store.head()).seq).toBe(3);
    await Promise.all(others.map((other) => other.close()));
  });

  test("where others have gone on before a lost answer is asked about tells whose commit it was", async () => {
    const other = await open();
    const place = openBucketPlace({ bucket: "tests", prefix });
    let lost = 0;
    const losing = await openJsonStore({
      definition,
      place: {
        ...place,
        exclusively(work) {
          return work(this);
        },
        write: async (path, bytes, expected) => {
          const written = await place.write(path, bytes, expected);
          if (path !== "head.json" || lost++ > 0) return written;
          await other.append("Log", log(8));
          await other.append("Log", log(9));
          return "conflict";
        },
      },
    });
    await losing.append("Log", log(2));
    expect(lost).toBe(1);
    await losing.append("Log", log(3));
    expect((await store.list("Log", {})).rows).toEqual([1, 2, 3, 8, 9].map(log));
    expect((await store.head()).seq).toBe(5);
    await losing.close();
    await other.close();
  });

  test("where a commit of much was not answered keeps its changes, for it may still arrive", async () => {
    const place = openBucketPlace({ bucket: "tests", prefix });
    let arrive: (() => Promise<unknown>) | undefined;
    const mine: Place = {
      ...place,
      exclusively: (work) => work(mine),
      write: async (path, bytes, expected) => {
        if (path !== "head.json") return place.write(path, bytes, expected);
        // The later ones meet the first, which is under way.
        if (arrive !== undefined) return "conflict";
        arrive = () => place.write(path, bytes, expected);
        throw new RehearsalError("ObjectStoreUnavailable", { bucket: "tests", reason: "silence" });
      },
    };
    const losing = await openJsonStore({ place: mine, definition });
    const much = Array.from({ length: 500 }, (_, nth) => ({ number: 2 + nth, what: "x".repeat(200) }));
    const refused = await refusalOf(() =>
      losing.transaction(async (tx) => {
        for (const row of much) await tx.append("Log", row);
      }),
    );
    expect(refused.code).toBe("ObjectStoreUnavailable");
    await arrive?.();
    expect((await store.list("Log", {})).rows).toEqual([log(1), ...much]);
    await losing.close();
  });

  test("where a read was under way while another wrote the file keeps nothing older than that", async () => {
    const place = openBucketPlace({ bucket: "tests", prefix });
    const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let holding = false;
    let committed: (() => Promise<void>) | undefined;
    const mine: Place = {
      ...place,
      exclusively: (work) => work(mine),
      read: async (path) => {
        const found = await place.read(path);
        if (path !== "log.jsonl" || !holding) return found;
        holding = false;
        begun.resolve();
        await end.promise;
        return found;
      },
      write: async (path, bytes, expected) => {
        const tag = await place.write(path, bytes, expected);
        if (path === "head.json") await committed?.();
        return tag;
      },
    };
    // It has room for one file.
    const slow = await openJsonStore({ place: mine, definition, cacheBytes: 1 });
    const other = await open();
    let reading: Promise<unknown> | undefined;
    committed = async () => {
      committed = undefined;
      await slow.get("User", { id: "u1" });
      holding = true;
      reading = slow.get("Log", { number: 1 });
      await begun.promise;
      // Another process writes the file before this one comes to it.
      await other.settle();
    };
    await slow.append("Log", log(2));
    end.resolve();
    expect(await reading).toEqual(log(1));
    // A commit that touches no file.
    await slow.setState("canonical", "canonical");
    expect(await slow.get("Log", { number: 2 })).toEqual(log(2));
    await other.close();
    await slow.close();
  });
});

describe("a folder", () => {
  let folder: string;
  let store: JsonStore;
  beforeEach(async () => {
    folder = join(top, String(++places));
    store = await open("canonical");
  });
  afterEach(() => store.close());
  const open = async (create?: "canonical") =>
    openJsonStore({
      place: await openFolderPlace(folder),
      definition,
      ...(create !== undefined && { create }),
    });
  const reopened = async () => {
    await store.close();
    store = await open();
  };

  test("whose last line was torn reads as if it were not there, and is healed by the next write", async () => {
    await store.append("Log", log(1));
    await writeFile(join(folder, "log.jsonl"), '{"seq":2,"model":"Log","pu', { flag: "a" });
    await reopened();
    expect((await store.list("Log", {})).rows).toEqual([log(1)]);
    await store.append("Log", log(2));
    await store.append("Log", log(3));
    expect((await store.list("Log", {})).rows).toEqual([log(1), log(2), log(3)]);
    const rows = await audited(store.place, definition);
    expect(rows.get("Log")).toEqual([log(1), log(2), log(3)]);
  });

  test("that got a part of a commit's lines gets all of them, and none twice, from whoever comes next", async () => {
    await store.append("Log", log(1));
    await store.transaction(async (tx) => {
      for (const number of [2, 3, 4]) await tx.append("Log", log(number));
    });
    const path = join(folder, "log.jsonl");
    const whole = await readFile(path, "utf8");
    const [first = "", second = ""] = whole.split("\n");
    for (const length of [
      first.length + 1,
      first.length + second.length + 2,
      first.length + second.length + 20,
    ]) {
      await truncate(path, length);
      await reopened();
      expect((await store.list("Log", {})).rows).toEqual([1, 2, 3, 4].map(log));
      await store.settle();
      expect(await readFile(path, "utf8")).toBe(whole);
    }
    await rm(path);
    await reopened();
    expect((await store.get("Log", { number: 3 }))?.what).toBe("entry 3");
  });

  test.for<[string, (whole: string) => string]>([
    ["lost its line feed", (whole) => whole.slice(0, -1)],
    ["is none any more", (whole) => whole.replace('"entry 2"', '"entry 2')],
  ])(
    "whose last line %s by somebody's hand is not cut: no write that was cut short leaves that",
    async ([, spoil]) => {
      for (const number of [1, 2]) await store.append("Log", log(number));
      await store.put("User", user("u1"));
      const path = join(folder, "log.jsonl");
      const whole = await readFile(path, "utf8");
      await writeFile(path, spoil(whole));
      await reopened();
      // It is committed; whoever comes next is told why it is in no file yet.
      await store.append("Log", log(3));
      const refused = await refusalOf(() => store.append("Log", log(4)));
      expect(refused.code).toBe("StoreFileDamaged");
      expect(refused.message).toContain('"log.jsonl" is damaged at line 2');
      expect(refused.hint).toContain("rehearsal store verify");
      expect(await readFile(path, "utf8")).toBe(spoil(whole));
      await writeFile(path, whole);
      await reopened();
      await store.append("Log", log(4));
      expect((await store.list("Log", {})).rows).toEqual([1, 2, 3, 4].map(log));
      await audited(store.place, definition);
    },
  );

  test("is read amid the writing of a commit's lines, and has all of them when the next commit has come", async () => {
    const path = join(folder, "log.jsonl");
    await store.append("Log", log(1));
    const other = await open();
    await store.transaction(async (tx) => {
      for (const number of [2, 3, 4]) await tx.append("Log", log(number));
    });
    const whole = await readFile(path, "utf8");
    // What a reader finds while the disk takes the second line.
    await truncate(path, whole.indexOf("entry 3"));
    expect((await other.list("Log", {})).rows).toEqual([1, 2, 3, 4].map(log));
    await writeFile(path, whole);
    await store.put("User", user("u1"));
    expect((await other.list("Log", {})).rows).toEqual([1, 2, 3, 4].map(log));
    expect(await other.get("Log", { number: 4 })).toEqual(log(4));
    await other.close();
  });

  test("whose files are listed while others commit and write them is known whole", async () => {
    const place = await openFolderPlace(folder);
    let meanwhile: (() => Promise<void>) | undefined;
    const slow = await openJsonStore({
      definition,
      place: {
        ...place,
        async *list(prefix) {
          const found: { path: string; size: number }[] = [];
          for await (const one of place.list(prefix)) found.push(one);
          await meanwhile?.();
          yield* found;
        },
      },
    });
    for (const id of ["u1", "u2"]) await store.put("User", user(id));
    await store.append("Chat", { id: "c1", user_id: "u1", title: null });
    const message = { id: "m1", chat_id: "c1", position: 1, reply_to: null, body: "" };
    await store.append("Message", message);
    const path = join(folder, "chats/c1.jsonl");
    const written = await readFile(path);
    // Committed, and not yet in its file, when the files are listed.
    await rm(path);
    meanwhile = async () => {
      meanwhile = undefined;
      await writeFile(path, written);
      await store.put("User", { ...user("u2"), name: "another" });
      expect((await slow.get("User", { id: "u2" }))?.name).toBe("another");
    };
    expect((await slow.list("Message", {})).rows).toEqual([message]);
    expect(meanwhile).toBeUndefined();
    await slow.close();
  });

  test("with a line in the midst that is none is refused with its number, and left as it is", async () => {
    for (const number of [1, 2, 3]) await store.append("Log", log(number));
    await store.put("User", user("u1"));
    const path = join(folder, "log.jsonl");
    const edited = (await readFile(path, "utf8")).replace('"entry 2"', '"entry');
    await writeFile(path, edited);
    await reopened();
    const refused = await refusalOf(() => store.append("Log", log(4)));
    expect(refused.code).toBe("StoreFileDamaged");
    expect(refused.message).toContain('"log.jsonl" is damaged at line 2');
    expect(refused.hint).toContain("rehearsal store verify");
    expect(await readFile(path, "utf8")).toBe(edited);
    // The others are none the worse.
    expect(await store.get("User", { id: "u1" })).toEqual(user("u1"));
  });

  test("on a disk that fills loses nothing that was committed, takes nothing half, and goes on when there is room", async () => {
    const script = fileURLToPath(new URL("full-disk.ts", import.meta.url));
    await mkdir(folder, { recursive: true });
    const mounted = ["--mount", "--propagation", "private", process.execPath, script, join(folder, "disk")];
    const { stdout } = await run("unshare", mounted);
    const told = JSON.parse(stdout);
    expect(told.refused).toMatchObject({ code: "StorePlaceFailed", retryable: true });
    expect(told.refused.message).toMatch(/ENOSPC/);
    expect(told.refused.hint).toContain("see to it that the disk has room");
    expect(told.written).toBeGreaterThan(5);
    expect(told.full).toBe(told.written);
    expect(told.reopened).toBe(told.written);
    expect(told.end).toBe(told.written + 20);
  });

  test("that leads out by a link is not followed", async () => {
    const outside = join(top, "outside");
    await mkdir(join(outside, "tags"), { recursive: true });
    await writeFile(join(outside, "log.jsonl"), "secret");
    await symlink(join(outside, "log.jsonl"), join(folder, "log.jsonl"));
    const file = await refusalOf(() => store.append("Log", log(1)));
    expect(file.code).toBe("StorePathUnsafe");
    expect(file.hint).toContain("mount the disk on the folder");
    await rm(join(folder, "log.jsonl"));
    await symlink(join(outside, "tags"), join(folder, "tags"));
    const below = await refusalOf(() => store.put("Tag", { id: "t1", name: "red" }));
    expect(below.code).toBe("StorePathUnsafe");
    await rm(join(folder, "tags"));
    await store.append("Log", log(1));
    expect(await readFile(join(outside, "log.jsonl"), "utf8")).toBe("secret");
    for (const path of ["../x", "/x", "a//b", "a/./b", "", "a\\b", "a\0"])
      expect((await refusalOf(() => store.place.read(path))).code).toBe("StorePathUnsafe");
  });

  test("takes other files while a large one comes, and an export removes what one before it died over", async () => {
    const top = await mkdtemp(join(tmpdir(), "rehearsal-claim-"));
    const place = await openFolderPlace(top);
    const claim = (run: string) => claimPlace(place, definition, { id: "one", run });
    await claim("first");
    let under: string[] = [];
    const source = async function* () {
      // As the rows of an export do, whose contents are files of their own.
      await place.write("beside", Buffer.from("content"), undefined);
      under = await readdir(join(top, "cache/streams"));
      yield Buffer.from("whole");
    };
    await place.writeStream("large.jsonl", source());
    expect(under).toHaveLength(1);
    expect((await place.read("large.jsonl"))?.bytes.toString()).toBe("whole");
    await writeFile(join(top, "cache/streams", under.join()), "half of it");
    await claim("second");
    expect(await readdir(join(top, "cache/streams"))).toEqual([]);
    await place.close();
    await rm(top, { recursive: true });
  });

  test("whose clock goes wrong is read by what it holds", async () => {
    const other = await open();
    const clock = Date;
    try {
      for (const number of [1, 2, 3, 4]) {
        await store.put("User", { ...user("u1"), name: String(number) });
        await store.append("Log", log(number));
        for (const path of ["settings/general.json", "log.jsonl", "head.json"])
          await utimes(join(folder, path), 0, number % 2 === 0 ? 0 : 4_000_000_000);
        expect((await other.get("User", { id: "u1" }))?.name).toBe(String(number));
        expect((await other.list("Log", {})).rows).toHaveLength(number);
        // Nobody is to ask it at all.
        globalThis.Date = class {
          constructor() {
            throw new Error("a clock was asked");
          }
          static now() {
            throw new Error("a clock was asked");
          }
        } as unknown as DateConstructor;
      }
    } finally {
      globalThis.Date = clock;
    }
    await other.close();
  });
});
