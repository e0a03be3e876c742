/** Writing both at once: whatever dies between the files and the commit, the files end as the database is. */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { databaseUrl } from "../../core/database-url.ts";
import type { Row, Rows, Store } from "../../core/store/store.ts";
import type { Difference } from "../../io/store/differences.ts";
import { type JsonStore, openJsonStore } from "../../io/store/json-store.ts";
import { openPlace } from "../../io/store/open-place.ts";
import type { StoreMilestone } from "../../io/store/store-milestone.ts";
import { openStore, type StoreOptions } from "../../store/open-store.ts";
import { execute } from "../postgres.ts";
import { refusalOf } from "../refusal.ts";
import { startTcpProxy, type TcpProxy } from "../tcp-proxy.ts";
import { allRows, startWorld, type World, withStore } from "./world.ts";

/** Deaths of a writer; 40 were tried when this was written. */
const DEATHS = Number(process.env.REHEARSAL_STORE_DEATHS ?? 3);

const author = (id: string, more: Row = {}) => ({ id, email: `${id}@example.org`, name: null, ...more });

let world: World;
let proxy: TcpProxy;

beforeAll(async () => {
  world = await startWorld();
  proxy = await startTcpProxy(world.address);
});

afterAll(async () => {
  await proxy.stop();
  await world.stop();
});

test.for([
  ["the commit does not reach the server", "client", 0],
  ["the server's answer to the commit is lost", "server", 1],
] as const)("when %s the files end as the database is", async ([, from, rows]) => {
  const options = await world.empty("dual");
  await withStore(
    { ...options, database: databaseUrl(proxy.through(world.address)), connections: 1 },
    async (store) => {
      await store.put("Author", author("a"));
      const cut = whenInDoubt(() => proxy.inject({ kind: "cut", from, after: 0 }));
      expect(await refusalOf(() => store.put("Author", author("b")))).toMatchObject({
        code: "DatabaseUnreachable",
      });
      cut.end();
      // Nobody could be asked yet: the files have the row, and the head says that it is in doubt.
      await withFiles(options, async (files) => {
        expect(await files.get("Author", { id: "b" })).toEqual(author("b"));
        expect((await files.head()).notes.doubts).toBeDefined();
      });
      proxy.heal();
    },
  );
  await withStore(options, async (store) => {
    expect(await store.count("Author")).toBe(1 + rows);
    await withFiles(options, async (files) => expect((await files.head()).notes).toEqual({}));
  });
  await expectSame(options);
});

test("a writer whose commit failed asks the database itself", async () => {
  const options = await world.empty("dual");
  await execute(world.address, AT_COMMIT);
  await withStore(options, async (store) => {
    expect(await refusalOf(() => store.put("Author", author("late")))).toMatchObject({
      code: "StatementFailed",
      message: expect.stringContaining("not this one"),
    });
    await withFiles(options, async (files) => {
      expect(await files.get("Author", { id: "late" })).toBeUndefined();
      expect((await files.head()).notes).toEqual({});
    });
  });
  await execute(world.address, "drop function refuse() cascade; drop function defer() cascade");
  await expectSame(options);
});

/** Refuses a row as late as a database can. */
const AT_COMMIT = `
create function defer() returns trigger language plpgsql as $$ begin set constraints all deferred; return new; end $$;
create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$;
create trigger defers before insert on authors for each row execute function defer();
create constraint trigger refuses after insert on authors deferrable initially deferred
  for each row when (new.id = 'late') execute function refuse();
`;

test("a writer that is killed anywhere leaves nothing that the next one does not set right", async () => {
  const options = await world.empty("dual");
  const file = join(String(options.place), "..", "options.json");
  await writeFile(file, JSON.stringify(options));
  for (let death = 1; death <= DEATHS; death++) {
    // Another one goes on meanwhile.
    const other = death % 3 === 0 ? writer(file, 1_000 + death, 0) : undefined;
    const point = 1 + ((death * 37) % 150);
    expect(await writer(file, death, point)).toBe("SIGKILL");
    expect(await other).toBe(other === undefined ? undefined : null);
    await (await openStore(options)).close();
    await expectSame(options);
  }
  await withFiles(options, async (files) => expect((await files.head()).notes).toEqual({}));
}, 3_000_000);

test("many rows in doubt stand beside the head, and no longer than they are", async () => {
  const options = await world.empty("dual");
  const store = await openStore(options);
  await store.transaction(async (tx) => {
    for (let n = 0; n < 101; n++) await tx.put("Author", author(String(n)));
  });
  const doubts = () => filesUnder(options, "cache/doubts/");
  expect(await doubts()).toHaveLength(1);
  await store.put("Author", author("a"));
  expect(await doubts()).toEqual([]);
  await store.close();
  await expectSame(options);
});

test("nothing is written to the database when the files follow it no more", async () => {
  const options = await world.empty("dual");
  await withFiles(options, (files) => files.setState("following", "canonical"));
  await withStore(options, async (store) => {
    expect(await refusalOf(() => store.put("Author", author("a")))).toMatchObject({
      code: "StoreNotCanonical",
    });
    expect(await store.count("Author")).toBe(0);
  });
});

test("a difference that stays is told and noted without its values, and one that passes is not", async () => {
  const options = await world.empty("dual");
  const told: Difference[] = [];
  const compared: StoreOptions<Rows> = {
    ...options,
    compare: "always",
    patienceMilliseconds: 200,
    onDifference: (difference) => told.push(difference),
  };
  await withStore(compared, async (store) => {
    for (const id of ["a", "b", "c"]) await store.put("Author", author(id));
    await store.get("Author", { id: "a" });
    await store.list("Author", {});
    expect(told).toEqual([]);
    await execute(
      world.address,
      "update authors set name = 'secret' where id = 'a'; delete from authors where id = 'b'; insert into authors values ('d', 'd')",
    );
    expect(await store.get("Author", { id: "a" })).toEqual(author("a", { name: "secret" }));
    expect(told).toMatchObject([{ model: "Author", key: { id: "a" }, found: "both", columns: ["name"] }]);
    await store.list("Author", {});
    expect(told.slice(1).map(({ key, found }) => [key.id, found])).toEqual([
      ["a", "both"],
      ["b", "json"],
      ["d", "postgres"],
    ]);
    // While it is looked at again, the files are brought up to the database.
    const before = told.length;
    const read = store.get("Author", { id: "a" });
    await withFiles(options, (files) =>
      files.apply([{ model: "Author", put: author("a", { name: "secret" }) }]),
    );
    await read;
    expect(told).toHaveLength(before);
  });
  const noted = await readFile(join(String(options.place), "cache/differences.jsonl"), "utf8");
  expect(
    noted
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Difference),
  ).toEqual(told);
  expect(noted).not.toContain("secret");
});

/** Runs the work whenever a writer of this process has written the files and has not committed. */
function whenInDoubt(work: () => void): { end(): void } {
  const listener = (message: unknown) => {
    if ((message as StoreMilestone).point === "in-doubt") work();
  };
  subscribe("rehearsal:store-milestone", listener);
  return { end: () => unsubscribe("rehearsal:store-milestone", listener) };
}

/** How the process ended: by a signal, or well, which is null. */
function writer(file: string, seed: number, points: number): Promise<NodeJS.Signals | null> {
  return new Promise((resolve, reject) => {
    const program = join(import.meta.dirname, "dual-writer.ts");
    execFile(process.execPath, [program, file, String(seed), String(points)], (error, _, stderr) => {
      if (error !== null && !error.signal) reject(new Error(stderr));
      else resolve(error?.signal ?? null);
    });
  });
}

async function withFiles<T>(options: StoreOptions<Rows>, work: (files: JsonStore) => Promise<T>): Promise<T> {
  const files = await openJsonStore({
    ...{ place: await openPlace(String(options.place)), definition: options.models, as: "follower" },
  });
  try {
    return await work(files);
  } finally {
    await files.close();
  }
}

test("files of doubts that somebody died over are gone when it is opened again, and those of this hour are not", async () => {
  const options = await world.empty("dual");
  const place = await openPlace(String(options.place));
  const at = (made: number) => `cache/doubts/${made}-${randomUUID()}.json`;
  const [old, fresh] = [at(Date.now() - 25 * 60 * 60 * 1_000), at(Date.now())];
  for (const path of [old, fresh]) await place.write(path, Buffer.from("[]\n"), undefined);
  await withStore(options, (store) => store.put("Author", author("a")));
  expect(await filesUnder(options, "cache/doubts/")).toEqual([fresh]);
  await place.close();
});

/** Every row of every model is the same in both. */
async function expectSame(options: StoreOptions<Rows>): Promise<void> {
  const contents = async (store: Pick<Store, "list">) => {
    const all: Record<string, Row[]> = {};
    for (const { name } of options.models.models) all[name] = await allRows(store, name);
    return all;
  };
  const database = await withStore({ ...options, backend: "postgres" }, contents);
  expect(await withFiles(options, contents)).toEqual(database);
}

async function filesUnder(options: StoreOptions<Rows>, prefix: string): Promise<string[]> {
  const place = await openPlace(String(options.place));
  const found: string[] = [];
  for await (const { path } of place.list(prefix)) found.push(path);
  await place.close();
  return found;
}
