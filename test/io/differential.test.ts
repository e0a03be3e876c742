/**
 * Backups that stand on earlier ones, against the whole content: a database goes through random changes, and after each round the
 * new backup restored, the copy brought up, and what is called untouched must be what a full reading says. A failure tells its
 * seed; REHEARSAL_TEST_SEED=… runs that one.
 * Long because each change that may be drawn stands here as SQL, and one seed draws from all.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BackupManifest } from "../../core/backup-manifest.ts";
import { compareBaselines } from "../../core/baseline.ts";
import type { Writers } from "../../core/changed-tables.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { findUntouched } from "../../io/postgres/base.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { bringUp } from "../../io/postgres/bring-up.ts";
import { cutPages } from "../../io/postgres/copy-plan.ts";
import { restore } from "../../io/postgres/restore.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { startPostgres } from "../../local/postgres.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import {
  dropDatabases,
  execute,
  freshDatabase,
  newestServer,
  olderThanAll,
  rows,
  servers,
} from "../postgres.ts";

let bucket: TestBucket;
beforeAll(async () => {
  bucket = await startBucket();
});
afterAll(() => bucket.stop());

const START = `
  create table hot (id int primary key, n int, note text) with (fillfactor = 50);
  insert into hot select g, 0, repeat(md5(g::text), 3) from generate_series(1, 3000) g; create index on hot (n) where n < 0;
  create table held (id int, note text); insert into held select g, repeat('x', 300) from generate_series(1, 900) g;
  create table patient (id int primary key, n int, note text) with (fillfactor = 50); insert into patient select g, 0, repeat('p', 90) from generate_series(1, 2500) g;
  create table turned (id int, note text); insert into turned select g, repeat('t', 90) from generate_series(1, 2500) g;
  create index up on turned (id); create index down on turned ((-id));
  create table wide (id bigint primary key, body text); alter table wide alter body set storage external;
  insert into wide select g, repeat(md5(g::text), 200) from generate_series(1, 60) g;
  create table "Odd.""name" (a text, "b,c" numeric, at timestamp); insert into "Odd.""name" select 'a' || g, g, 'epoch' from generate_series(1, 1500) g;
  create table shaped (id int, a varchar(60), b varchar(60), mine bigint generated always as (id * 2) stored);
  insert into shaped select g, 'a' || g, repeat('b', 40) from generate_series(1, 1500) g;
  create table whole (id int, at int) partition by range (id); create table low partition of whole for values from (0) to (1000);
  create table high partition of whole for values from (1000) to (100000); insert into whole select g, g from generate_series(1, 2500) g;
  create table parent (id int, note text); create table child (more int) inherits (parent);
  insert into parent select g, 'parent' from generate_series(1, 50) g; insert into child select g, 'child', g from generate_series(1, 2000) g;
  create unlogged table loose (id int, note text); insert into loose select g, repeat('y', 200) from generate_series(1, 1000) g;
  create type mood as enum ('sad', 'happy'); create type pair as (x int, y text);
  create table felt (id int, how mood, both_of pair, of pair[]); insert into felt select g, 'sad', row(g, 'y')::pair, null from generate_series(1, 1200) g;
  create table plain (id int, note text); insert into plain select g, 'plain' from generate_series(1, 4000) g; create index plain_id on plain (id);
  create table still (id int, note text); insert into still select g, repeat('z', 100) from generate_series(1, 2500) g;
  create table empty (id int); create table nothing (); insert into nothing default values;
  create sequence turns; select lo_from_bytea(5001, 'one');`;

type Draw = (below: number) => number;
interface Change {
  /** Statements, each by itself. */
  sql: (draw: Draw, turn: number) => string[];
  /** The structure is another one afterwards. */
  shapes?: true;
}

const dml = (sql: (draw: Draw, turn: number) => string): Change => ({
  sql: (draw, turn) => [sql(draw, turn)],
});
const some = (draw: Draw) => `id % ${5 + draw(400)} = ${draw(5)}`;
const table = (draw: Draw) => ["hot", "held", "plain", "loose", "still"][draw(4)] ?? "";

const CHANGES: Record<string, Change> = {
  "rows come": dml(
    (draw) =>
      `insert into ${["held", "plain", "loose"][draw(3)]} select 100000 + g, 'new' from generate_series(1, ${1 + draw(800)}) g`,
  ),
  "rows change in their page": dml((draw) => `update hot set n = n + 1 where ${some(draw)}`),
  "rows change their key": dml((draw) => `update hot set id = id + 1000000, n = -1 where ${some(draw)}`),
  "rows go": dml((draw) => `delete from ${table(draw)} where ${some(draw)}`),
  "as many come as go": dml(
    (draw) =>
      `with gone as (delete from ${["held", "plain"][draw(2)]} where ${some(draw)} returning id, note) insert into plain select id, note || '!' from gone`,
  ),
  "as many come as go, vacuumed between": {
    sql: (draw) => {
      const where = some(draw);
      return [
        `create temporary table kept as select * from plain where ${where}`,
        `delete from plain where ${where}`,
        "vacuum plain",
        "insert into plain select id, note || '~' from kept; drop table kept",
      ];
    },
  },
  "nothing comes of it": dml(
    (draw) =>
      `begin; update hot set n = 77 where ${some(draw)}; insert into plain values (1, 'never'); rollback`,
  ),
  "a part comes of it": dml(
    (draw) =>
      `begin; savepoint one; update hot set n = 5 where ${some(draw)}; savepoint two; delete from plain; rollback to two;
       insert into plain values (2, 'sub'); release one; insert into held values (3, 'after'); commit`,
  ),
  "a block that catches errors": dml(
    (draw) =>
      `do $$ begin for i in 1..5 loop begin update plain set note = 'caught' || i where id = ${draw(4000)}; if i % 2 = 0 then raise 'no'; end if;
       exception when others then null; end; end loop; end $$`,
  ),
  "only out of line": dml(
    (draw) =>
      `update wide set body = repeat(md5('${draw(99)}'), 150 + ${draw(90)}) where id % 20 = ${draw(20)}`,
  ),
  "a conflict": dml(
    (draw) =>
      `insert into hot values (${1 + draw(3000)}, 9, 'upsert') on conflict (id) do update set note = excluded.note`,
  ),
  "rows are locked": dml(
    (draw) =>
      `begin; select from hot where ${some(draw)} for update; savepoint s; select from hot where ${some(draw)} for share; commit`,
  ),
  "partitions change places": dml(
    (draw) => `update whole set id = (id + 1000) % 3000 where at % 97 = ${draw(97)}`,
  ),
  "parent and child": dml(
    (draw) =>
      `update only parent set note = 'p${draw(9)}' where id < 9; delete from child where ${some(draw)}`,
  ),
  vacuum: { sql: (draw) => [`delete from plain where id > ${3000 + draw(1000)}`, "vacuum plain"] },
  freeze: { sql: () => ["vacuum freeze hot", "vacuum freeze plain"] },
  "freeze what just came": {
    sql: (draw) => [
      `insert into still select 7, 'frozen' from generate_series(1, ${1 + draw(9)})`,
      "vacuum freeze still",
    ],
  },
  "vacuum full": { sql: (draw) => [`vacuum full ${["plain", "still", "wide"][draw(3)]}`] },
  cluster: { sql: () => ["cluster plain using plain_id"] },
  truncate: dml((draw) => `truncate ${["loose", "empty"][draw(2)]}`),
  "truncate and fill": dml(
    () =>
      "begin; create temporary table kept on commit drop as table still; truncate still; insert into still table kept; commit",
  ),
  "empty and fill": {
    sql: (draw) => [
      "delete from loose",
      "vacuum loose",
      `insert into loose select g, 'again' from generate_series(1, ${draw(1000)}) g`,
      `insert into empty select 1 from generate_series(1, ${draw(2)})`,
    ],
  },
  "write anew": dml(() => "alter table still alter id type int using id + 0"),
  sequences: dml((draw) => `select nextval('turns'), setval('turns', ${1 + draw(99)})`),
  "large objects": dml((draw) => `select lo_put(5001, ${draw(9)}, 'changed'), lo_from_bytea(0, 'another')`),
  "rights of large objects": dml((draw) =>
    `${draw(2) ? "grant" : "revoke"} select on large object 5001 ${draw(2) ? "to" : "from"} public`
      .replace(/^(grant.*) from/, "$1 to")
      .replace(/^(revoke.*) to/, "$1 from"),
  ),
  "no rows": dml(() => "insert into nothing default values"),

  "a column with a default": {
    shapes: true,
    sql: (draw, turn) => [`alter table still add extra_${turn} text default 'made ${draw(9)}'`],
  },
  "a column goes and comes": {
    shapes: true,
    sql: (draw) => [
      `alter table plain drop note; alter table plain add note text default 'again ${draw(9)}'`,
    ],
  },
  "columns swap names": {
    shapes: true,
    sql: () => [
      "alter table shaped rename a to c; alter table shaped rename b to a; alter table shaped rename c to b",
    ],
  },
  "columns become text": {
    shapes: true,
    sql: (_draw, turn) => [
      `alter table shaped alter a type ${turn % 2 ? "text" : "varchar(60)"}, alter b type text`,
    ],
  },
  "local time and the world's": {
    shapes: true,
    sql: (_draw, turn) => [
      `set timezone = 'UTC'; alter table "Odd.""name" alter at type ${turn % 2 ? "timestamptz" : "timestamp"}`,
    ],
  },
  "a generated column stands by itself": {
    shapes: true,
    sql: () => ["alter table shaped alter mine drop expression if exists"],
  },
  "one column with two columns' name": {
    shapes: true,
    sql: (_draw, turn) => [
      `alter table "Odd.""name" rename a to "a 25 -1 , ${turn}"; alter table "Odd.""name" rename to odder; alter table odder rename "a 25 -1 , ${turn}" to a; alter table odder rename to "Odd.""name"`,
    ],
  },
  "a label": {
    shapes: true,
    sql: () => [
      "do $$ begin if exists (select from pg_enum where enumlabel = 'sad') then alter type public.mood rename value 'sad' to 'blue'; else alter type public.mood rename value 'blue' to 'sad'; end if; end $$",
    ],
  },
  "a composite type": { shapes: true, sql: (_draw, turn) => [`alter type pair add attribute z${turn} int`] },
  "tables swap names": {
    shapes: true,
    sql: () => [
      "alter table plain rename to between; alter table held rename to plain; alter table between rename to held; drop index plain_id; create index plain_id on plain (id)",
    ],
  },
  "a partition leaves and comes": {
    shapes: true,
    sql: (_draw, turn) =>
      [
        turn % 2
          ? "alter table whole detach partition low; alter table low add more int"
          : "alter table low drop more; alter table whole attach partition low for values from (0) to (1000)",
      ].map(
        (sql) =>
          `do $$ begin ${sql.replaceAll(/\b(whole|low)\b/g, "public.$1")}; exception when others then null; end $$`,
      ),
  },
  "a table comes, one goes": {
    shapes: true,
    sql: (_draw, turn) => [
      `create table more_${turn} as select g as id, 'more' as note from generate_series(1, 900) g`,
      `drop table if exists more_${turn - 2}`,
    ],
  },
  "logged and not": {
    shapes: true,
    sql: (_draw, turn) => [`alter table loose set ${turn % 2 ? "logged" : "unlogged"}`],
  },
};

/** The same numbers for the same seed. */
function drawing(seed: number): Draw {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Transactions that are open across backups: a session's, with subtransactions, and a prepared one. */
class OpenTransactions {
  #address: DatabaseAddress;
  #session: Session | undefined;
  #prepared = "";

  constructor(address: DatabaseAddress) {
    this.#address = address;
  }

  async begin(turn: number): Promise<void> {
    this.#session = await openSession(this.#address, { application: "test" });
    await this.#session.execute(
      `set search_path = public; begin; update patient set note = 'long ${turn}' where id % 50 = 1; savepoint inner_one; insert into patient values (${-turn - 1}, 1, 'inner')`,
    );
    this.#prepared = `differential_${process.pid}_${this.#address.database}_${turn}`;
    await execute(
      this.#address,
      `begin; update patient set note = 'prepared ${turn}' where id % 50 = 2; savepoint s; update patient set n = 3 where id % 50 = 3; prepare transaction '${this.#prepared}'`,
    );
    // One that is over has a later number than those that are not.
    await execute(this.#address, "select pg_current_xact_id()");
  }

  async end(commit: boolean): Promise<void> {
    if (this.#session === undefined) return;
    await this.#session.execute(
      "savepoint late; update patient set note = note || ' late' where id > 2400 and id % 50 = 4; savepoint later; delete from patient where id > 2400 and id % 50 = 5; rollback to later; release late; release inner_one",
    );
    await this.#session.execute(commit ? "commit" : "rollback");
    await this.#session.close();
    this.#session = undefined;
    await execute(this.#address, `${commit ? "commit" : "rollback"} prepared '${this.#prepared}'`);
  }
}

interface Round {
  manifest: BackupManifest;
  content: Record<string, string>;
  copy: DatabaseAddress;
  writers: Writers;
}

const given = process.env.REHEARSAL_TEST_SEED;
const plays = servers.flatMap((server) => {
  const newest = server === newestServer();
  const seeds = given === undefined ? [newest ? 11 : 13] : [Number(given)];
  return seeds.map((seed) => ({ server, major: server.major, seed, turns: newest ? 6 : 3 }));
});

test.each(plays)(
  "on Postgres $major a chain of backups holds what the database holds, whatever happened in between (seed $seed)",
  async ({ server, seed, turns }) => {
    const draw = drawing(seed);
    const source = await freshDatabase(server, START);
    const open = new OpenTransactions(source);
    let last: Round | undefined;
    let reused = 0;
    let followed = 0;
    for (let turn = 0; turn < turns; turn++) {
      const names = Object.keys(CHANGES);
      const told: string[] = [];
      let shaped = false;
      if (turn % 3 === 2) await open.end(draw(3) > 0);
      // Every other round leaves the structure alone, so that the copy can follow.
      for (let count = turn === 0 ? 0 : 3 + draw(4); count > 0; count--) {
        const name = names[draw(names.length)] ?? "";
        const change = CHANGES[name];
        if (change === undefined || (change.shapes && turn % 2 === 1)) continue;
        shaped ||= change.shapes === true;
        told.push(name);
        await apply(source, change.sql(draw, turn));
      }
      // Rows exchange their pages, as many for as many, and none of them is written; then one of them goes.
      if (turn > 0)
        await apply(source, [
          `cluster turned using ${turn % 2 ? "down" : "up"}`,
          `delete from turned where id = ${1000 + turn}`,
        ]);
      if (turn % 3 === 0) await open.begin(turn);
      const story = `seed ${seed}, round ${turn}: ${told.join("; ")}`;
      const content = await contentOf(source);
      if (last !== undefined) await expectUntouchedSame(source, last, content, story);
      const manifest = await take(source, last?.manifest, last !== undefined && !shaped);
      expect(compareBaselines(await baselineOf(source), manifest.baseline), story).toEqual([]);
      const copy = await freshDatabase(server);
      const writers = await load(copy, manifest);
      expect(await contentOf(copy), story).toEqual(content);
      expect(compareBaselines(manifest.baseline, await baselineOf(copy)), story).toEqual([]);
      if (last !== undefined) {
        const earlier = new Set(last.manifest.data.map(({ key }) => key));
        reused += manifest.data.filter(({ key }) => earlier.has(key)).length;
        if (!shaped) {
          const { manifest: before, copy: target, writers } = last;
          await bringUp({
            ...{ application: "test", store: bucket.store },
            source,
            target,
            before,
            writers,
            now: manifest,
          });
          expect(await contentOf(target), story).toEqual(content);
          followed++;
        }
        await dropDatabases(last.copy);
      }
      last = { manifest, content, copy, writers };
    }
    if (last === undefined) throw new Error("there was no round");
    // Nothing happens any more: everything stands, and is called untouched.
    await open.end(true);
    await olderThanAll(source);
    const settled = await take(source, last.manifest, true);
    const again = await take(source, settled, true);
    const cut = new Set(again.tables.filter(({ heap }) => heap !== null).map(({ tocId }) => tocId));
    const keys = ({ data }: BackupManifest) =>
      data.filter(({ tocId }) => cut.has(tocId)).map(({ key }) => key);
    expect(keys(again)).toEqual(keys(settled));
    expect(cut.size).toBeGreaterThan(8);
    expect(again.baseline).toEqual(settled.baseline);
    expect((await untouchedIn(source, settled)).size).toBe(cut.size);
    expect(reused).toBeGreaterThan(turns * 5);
    expect(followed).toBeGreaterThan(0);
    await dropDatabases(source, last.copy);
  },
);

test("borders of any chain begin at the first page, rise, reach the last page, and keep what was", () => {
  const draw = drawing(Number(given ?? 5));
  for (let chain = 0; chain < 300; chain++) {
    let borders: number[] | undefined;
    for (let link = 0; link < 6; link++) {
      const pages = draw(4) === 0 ? 0 : draw(5000);
      const before: number[] | undefined = borders;
      borders = cutPages(pages, draw(40), before);
      expect(borders[0]).toBe(0);
      expect(borders.length).toBeGreaterThan(1);
      expect(borders.at(-1)).toBeGreaterThanOrEqual(pages);
      if ((borders.at(-1) ?? 0) > 0)
        expect(borders.every((border, place) => place === 0 || border > (borders?.[place - 1] ?? 0))).toBe(
          true,
        );
      if (before !== undefined && (before.at(-1) ?? 0) > 0)
        expect(borders).toEqual(expect.arrayContaining(before));
    }
  }
});

test("a base that has lost an object is not built upon: all is copied, and the new backup is whole", async () => {
  const source = await freshDatabase(newestServer(), START);
  const base = await take(source);
  const lost = base.data.find(({ table }) => table === '"public"."still"')?.key ?? "";
  await bucket.store.remove(lost);
  const next = await take(source, base, true);
  expect(next.base).toBeNull();
  const copy = await freshDatabase(newestServer());
  await load(copy, next);
  expect(await contentOf(copy)).toEqual(await contentOf(source));
  await dropDatabases(source, copy);
});

test("columns that come into the COPY, and expressions that are computed on reading, are not taken from a base", async () => {
  const kind = newestServer().major >= 18 ? "virtual" : "stored";
  const source = await freshDatabase(
    newestServer(),
    `create table t (id int, twice int generated always as (id * 2) stored); insert into t values (1), (2);
     create table v (id int, twice int generated always as (id * 2) ${kind}); insert into v values (1), (2);
     create table n ("a" text, b text); insert into n values ('a', 'b')`,
  );
  const base = await take(source);
  const thrice = kind === "virtual" ? "alter table v alter twice set expression as (id * 3);" : "";
  await execute(
    source,
    `alter table t alter twice drop expression; ${thrice} alter table n drop b; alter table n rename a to "a 25 -1 ,2 b"`,
  );
  const next = await take(source, base);
  const copy = await freshDatabase(newestServer());
  await load(copy, next);
  expect(await contentOf(copy)).toEqual(await contentOf(source));
  expect(compareBaselines(next.baseline, await baselineOf(copy))).toEqual([]);
  await dropDatabases(source, copy);
});

test("a table under another name is not called untouched, be the name free or another table's, and the others are", async () => {
  const source = await freshDatabase(
    newestServer(),
    "create table a as select 1 as id; create table b as select 2 as id; create table c as select 3 as id; create table d as select 4 as id",
  );
  await olderThanAll(source);
  const base = await take(source);
  await execute(
    source,
    "alter table a rename to x; alter table b rename to a; alter table x rename to b; alter table c rename to e",
  );
  expect([...(await untouchedIn(source, base))]).toEqual(['"public"."d"']);
  await dropDatabases(source);
});

test("who may read a large object goes along, though its bytes are what they were", async () => {
  const source = await freshDatabase(
    newestServer(),
    "create table t (id int); select lo_from_bytea(6001, 'one')",
  );
  const [before, target] = [await take(source), await freshDatabase(newestServer())];
  const writers = await load(target, before);
  await execute(source, "grant select on large object 6001 to public");
  const now = await take(source, before, true);
  await bringUp({ ...{ application: "test", store: bucket.store }, source, target, before, writers, now });
  const copy = await freshDatabase(newestServer());
  await load(copy, now);
  const rights = await contentOf(source);
  expect(rights["large objects"]).toContain("=r/");
  expect(await contentOf(target)).toEqual(rights);
  expect(await contentOf(copy)).toEqual(rights);
  await dropDatabases(source, target, copy);
});

test("a base from before a crash is not believed, though server, timeline and log seem to go on", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rehearsal-crash-"));
  const server = await startPostgres({
    ...{ major: newestServer().major, dataFolder: join(folder, "server"), temporary: true },
  });
  try {
    const source = await freshDatabase(
      server,
      "create table t as select g as id from generate_series(1, 100) g",
    );
    const base = await take(source);
    expect((await untouchedIn(source, base)).size).toBe(1);
    const [before] = await rows<{ pid: number }>(source, "select pg_backend_pid() as pid");
    const victim = await openSession(source, { application: "test" });
    expect(victim.pid).not.toBe(before?.pid);
    process.kill(victim.pid, "SIGKILL");
    await expect(victim.query("select 1")).rejects.toMatchObject({ code: "DatabaseUnreachable" });
    await victim.close();
    await answering(source);
    expect((await untouchedIn(source, base)).size).toBe(0);
    expect((await take(source, base)).base).toBeNull();
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

/** A server that went down by a crash comes up by itself. */
async function answering(address: DatabaseAddress): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      await rows(address, "select 1");
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** In one session, for temporary tables; each text by itself, for VACUUM stands in no transaction. */
async function apply(address: DatabaseAddress, statements: string[]): Promise<void> {
  const session = await openSession(address, { application: "test" });
  try {
    await session.execute("set search_path = public, pg_temp; set lock_timeout = '5s'");
    for (const sql of statements) await session.execute(sql);
  } finally {
    await session.close();
  }
}

/** A table that is called untouched reads as it did. */
async function expectUntouchedSame(
  source: DatabaseAddress,
  last: Round,
  content: Record<string, string>,
  story: string,
): Promise<void> {
  for (const name of await untouchedIn(source, last.manifest))
    expect(content[name], `${story}: ${name}`).toBe(last.content[name]);
}

async function untouchedIn(address: DatabaseAddress, manifest: BackupManifest): Promise<Set<string>> {
  const session = await openSession(address, { application: "test" });
  try {
    return await findUntouched(session, manifest);
  } finally {
    await session.close();
  }
}

let prefixes = 0;
const common = { application: "test", connections: 2 };
function take(
  source: DatabaseAddress,
  base?: BackupManifest,
  sameStructure = false,
): Promise<BackupManifest> {
  return backUp({
    ...{ ...common, source, store: bucket.store, prefix: `differential/${++prefixes}/`, chunkBytes: 65_536 },
    ...(base && { base, sameStructure }),
  });
}

const load = (target: DatabaseAddress, manifest: BackupManifest) =>
  restore({ ...common, target, store: bucket.store, manifest }).then(({ writers }) => writers);

async function baselineOf(address: DatabaseAddress) {
  const session = await openSession(address, { application: "test" });
  try {
    return await readBaseline(session);
  } finally {
    await session.close();
  }
}

/** What everything reads as, by name: rows in the order of their text, sequences, large objects with their rights. */
async function contentOf(address: DatabaseAddress): Promise<Record<string, string>> {
  const found = await rows<{ name: string; columns: string; kind: string }>(
    address,
    `select format('"public"."%s"', replace(relname, '"', '""')) as name, relkind::text as kind, coalesce((select string_agg(format('%I', attname), ',' order by attname)
        from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped), '') as columns
      from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'S') order by 1`,
  );
  const parts = found.map(({ name, columns, kind }) =>
    kind === "S"
      ? `select '${name}' as name, (select row(last_value, is_called)::text from ${name}) as content`
      : `select '${name.replaceAll("'", "''")}' as name, (select count(*) || ' ' || md5(coalesce(string_agg(row(${columns})::text, e'\\n' order by row(${columns})::text collate "C"), '')) from only ${name}) as content`,
  );
  const content = await rows<{ name: string; content: string }>(
    address,
    `${parts.join("\nunion all ")}
      union all select 'large objects', string_agg(format('%s %s %s', oid, encode(lo_get(oid), 'hex'), (select string_agg(a::text, ',' order by a::text) from unnest(lomacl) a where a::text not like '%=rw/%')), ';' order by oid) from pg_largeobject_metadata`,
  );
  return Object.fromEntries(content.map(({ name, content }) => [name, content]));
}
