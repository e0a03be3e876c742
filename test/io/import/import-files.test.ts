/**
 * A tree of files becomes rows and objects: once, whatever happens on the way, and a record that cannot be takes nobody with it.
 * Long because all of it happens to one database, and each scene is a tree.
 */
import { mkdir, rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { DatabaseAddress } from "../../../core/database-url.ts";
import { sha256 } from "../../../core/digest.ts";
import type { ReportLine } from "../../../core/import/report.ts";
import { startBucket, type TestBucket } from "../../bucket.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../../postgres.ts";
import { refusalOf } from "../../refusal.ts";
import { type Attempted, type Imported, importTree, removeTree, type Tree, writeTree } from "./tree.ts";

const SCHEMA = `
create schema rehearsal;
create table customers (id bigint generated always as identity primary key, code text not null unique, name varchar(40));
create table jobs (id bigint generated always as identity primary key, reference text not null unique,
  customer bigint not null references customers, status text not null check (status in ('open', 'archived')), note text,
  amount numeric, opened timestamptz, record jsonb);
create table rounds (id bigint generated always as identity primary key, job bigint not null references jobs, number int not null,
  unique (job, number));
create table media (id bigint generated always as identity primary key, round bigint not null references rounds,
  storage_key text not null unique, sha256 text not null, bytes bigint not null);
create table finals (job bigint primary key references jobs, payload json not null, payload_sha256 text not null);
create table events (id bigint generated always as identity primary key, what text not null, at_all boolean not null);
create function note() returns trigger language plpgsql as $$
  begin insert into public.events (what, at_all) values (tg_table_name || ' ' || tg_op, rehearsal.is_acting('import')); return null; end $$;
create trigger note after insert or update on jobs for each row execute function note();
create trigger noted after insert or update on jobs for each statement execute function note();
create function guard() returns trigger language plpgsql as $$
  begin if old.status = 'archived' then raise exception 'archived jobs stay as they are'; end if; return new; end $$;
create trigger guard before update on jobs for each row execute function guard();
`;

const MAPPING = `
documents:
  round: { files: "rounds/*/manifest.json" }
  final: { files: final.json }
rows:
  customer:
    table: customers
    key: [code]
    existing: keep
    columns: { code: $.customer.code, name: $.customer.name }
  job:
    table: jobs
    key: [reference]
    columns:
      reference: $.reference
      customer: { row: customer }
      status: { path: $.status, required: true, values: { Open: open, Archived: archived } }
      note: $.note
      amount: { path: $.amount, type: numeric }
      opened: { path: $.opened, type: timestamptz, zone: UTC }
      record: { path: $, type: json }
  round:
    table: rounds
    from: round
    key: [job, number]
    columns: { job: { row: job }, number: { path: $.number, type: integer } }
  media:
    table: media
    from: round
    each: $.files[*]
    key: [storage_key]
    media: { file: $.name, key: "media/{job.reference}/{round.number}/{file.name}", sha256: $.sha256 }
    columns: { round: { row: round }, storage_key: { media: key }, sha256: { media: sha256 }, bytes: { media: bytes } }
  final:
    table: finals
    from: final
    key: [job]
    columns: { job: { row: job }, payload: { path: $, type: json }, payload_sha256: { sha256: payload } }
compare:
  - what: the customer
    between: [{ in: record, path: $.customer.code }, { in: final, path: $.customer }]
`;

const TABLES = ["customers", "jobs", "rounds", "media", "finals"];

let address: DatabaseAddress;
let bucket: TestBucket;
const folders: string[] = [];

beforeAll(async () => {
  bucket = await startBucket();
  address = await freshDatabase(newestServer(), SCHEMA);
});
beforeEach(async () => {
  await execute(address, `truncate events, ${TABLES.join(", ")} restart identity`);
  await bucket.store.erase("prod/");
});
afterAll(async () => {
  await bucket.stop();
  await dropDatabases(address);
  await Promise.all(folders.map(removeTree));
});

async function folderOf(tree: Tree): Promise<string> {
  const folder = await writeTree(tree);
  folders.push(folder);
  return folder;
}

async function imported(tree: Tree | string, more: Partial<Attempted> = {}): Promise<Imported> {
  const source = typeof tree === "string" ? tree : await folderOf(tree);
  return importTree({ address, store: bucket.store, mapping: MAPPING, source, ...more });
}

const job = (reference: string, more: object = {}) =>
  JSON.stringify({ reference, status: "Open", customer: { code: "c1", name: "one" }, ...more });

const refusals = ({ lines }: { lines: ReportLine[] }) =>
  lines
    .filter((line) => line.kind === "refused")
    .map(({ path, at, code, reason }) => ({ path, at, code, reason }));

/** Every row as it stands, down to the transaction that wrote it. */
const standing = async () =>
  (
    await rows<{ table: string; row: string }>(
      address,
      TABLES.map(
        (table) => `select '${table}' as table, xmin::text || t::text as row from public.${table} t`,
      ).join(" union all "),
    )
  )
    .map(({ table, row }) => `${table} ${row}`)
    .sort();

const events = async () =>
  await rows<{ what: string; at_all: boolean }>(
    address,
    "select what, at_all from public.events order by id",
  );

test("a record becomes rows that lean on each other, and a second run writes nothing", async () => {
  const film = "a film";
  const folder = await folderOf({
    "a/job_record.json": job("A", {
      status: "Archived",
      amount: 1,
      note: "é\\t\\\\",
    }).replace(/"amount":[^,]*/, '"amount":12345678901234567890.123456789'),
    "a/rounds/1/manifest.json": JSON.stringify({
      number: 1,
      files: [{ name: "film.mp4", sha256: sha256(film) }],
    }),
    "a/rounds/1/film.mp4": film,
    "a/rounds/2/manifest.json": JSON.stringify({ number: 2, files: [] }),
    "a/final.json": '{ "customer": "c2", "__proto__": { "x": 1 }, "big": 9007199254740993 }',
    "b/job_record.json": `\uFEFF${job("B", { customer: { code: "c1", name: "another name" } }).replaceAll(",", ",\r\n")}`,
    "b/Thumbs.db": "nobody's",
  });
  const first = await imported(folder);
  expect(first.summary).toMatchObject({
    records: { read: 2, imported: 2, refused: 0 },
    rows: {
      job: { inserted: 2 },
      round: { inserted: 2 },
      media: { inserted: 1 },
      customer: { inserted: 1, unchanged: 1 },
    },
    media: { stored: 1, present: 0, bytes: 6 },
    disagreements: 2,
    unread: 1,
  });
  expect(first.lines).toEqual([
    {
      kind: "disagreement",
      record: "a/",
      what: "the customer",
      values: [
        { path: "a/job_record.json", at: "$.customer.code", value: "c1" },
        { path: "a/final.json", at: "$.customer", value: "c2" },
      ],
    },
    { kind: "unread", path: "b/Thumbs.db", reason: "the mapping does not name it" },
    {
      kind: "disagreement",
      record: "b/",
      what: "customers.name",
      values: [
        { path: "b/", at: "customers.name", value: "another name" },
        { path: "database", at: "customers.name", value: "one" },
      ],
    },
  ]);
  expect(
    await rows(
      address,
      "select amount::text, note, record->'amount' as kept from public.jobs where reference = 'A'",
    ),
  ).toEqual([{ amount: "12345678901234567890.123456789", note: "é\\t\\\\", kept: expect.anything() }]);
  expect(await rows(address, "select payload::text, payload_sha256 from public.finals")).toEqual([
    {
      payload: '{ "customer": "c2", "__proto__": { "x": 1 }, "big": 9007199254740993 }',
      payload_sha256: sha256('{ "customer": "c2", "__proto__": { "x": 1 }, "big": 9007199254740993 }'),
    },
  ]);
  expect(Buffer.from(await bucket.store.get("prod/media/A/1/film.mp4")).toString()).toBe(film);
  // Triggers could see that it is an import.
  expect((await events()).every(({ at_all }) => at_all)).toBe(true);

  const [before, told] = [await standing(), await events()];
  const second = await imported(folder);
  expect(await standing()).toEqual(before);
  expect(await events()).toEqual(told);
  expect(second.summary.rows).toEqual({
    customer: { inserted: 0, updated: 0, unchanged: 2 },
    job: { inserted: 0, updated: 0, unchanged: 2 },
    round: { inserted: 0, updated: 0, unchanged: 2 },
    media: { inserted: 0, updated: 0, unchanged: 1 },
    final: { inserted: 0, updated: 0, unchanged: 1 },
  });
  expect(second.lines).toEqual(first.lines);

  // Only what differs is written; what the database guards stays, and the record is refused with its reason.
  await writeTree(
    { "b/job_record.json": job("B", { note: "new" }), "a/job_record.json": job("A", { note: "changed" }) },
    folder,
  );
  const third = await imported(folder);
  expect(third.summary.rows.job).toEqual({ inserted: 0, updated: 1, unchanged: 0 });
  expect(refusals(third)).toEqual([
    { path: "a/", at: "jobs", code: "ImportRowRefused", reason: "archived jobs stay as they are (P0001)" },
  ]);
});

test("a dry run tells what would be, and nothing stays", async () => {
  const tree = {
    "a/job_record.json": job("A"),
    "a/rounds/1/manifest.json": JSON.stringify({ number: 1, files: [{ name: "film.mp4" }] }),
    "a/rounds/1/film.mp4": "a film",
    "b/job_record.json": job("B", { customer: { code: "c2", name: "x".repeat(41) } }),
  };
  const { summary, lines } = await imported(tree, { dryRun: true });
  expect(summary).toMatchObject({ dryRun: true, records: { imported: 1, refused: 1 }, media: { stored: 1 } });
  expect(refusals({ lines })).toEqual([
    {
      ...{ path: "b/", at: "customers", code: "ImportRowRefused" },
      reason: expect.stringContaining("value too long for type character varying(40)"),
    },
  ]);
  expect([await standing(), await events(), await bucket.keys("prod/")]).toEqual([[], [], []]);
});

test("one refused record among many takes none of them with it, and leaves no row and no object", async () => {
  const tree: Tree = {};
  for (let number = 0; number < 60; number++) tree[`r${number}/job_record.json`] = job(`R${number}`);
  tree["r7/job_record.json"] = job("R7", { customer: { code: "c7", name: "y".repeat(41) } });
  tree["r30/job_record.json"] = job("R30", { status: "Lost" });
  tree["r31/job_record.json"] = job("R31", { opened: "2021-02-30T00:00:00Z" });
  tree["r32/rounds/1/manifest.json"] = JSON.stringify({
    number: 1,
    files: [{ name: "x.bin", sha256: "0".repeat(64) }],
  });
  tree["r32/rounds/1/x.bin"] = "x";
  tree["r33/rounds/1/manifest.json"] = JSON.stringify({
    number: 1,
    files: [{ name: "../../../r32/rounds/1/x.bin" }],
  });
  tree["r34/rounds/1/manifest.json"] = JSON.stringify({ number: 2147483648, files: [{ name: "x.bin" }] });
  tree["r34/rounds/1/x.bin"] = "y";
  tree["r35/empty.txt"] = "";
  delete tree["r35/job_record.json"];
  tree["r36/job_record.json"] = job("R36", { customer: {} });
  const { summary, lines } = await imported(tree);
  expect(summary.records).toEqual({ read: 60, imported: 52, refused: 8 });
  expect(refusals({ lines })).toEqual([
    expect.objectContaining({ path: "r30/job_record.json", at: "$.status", code: "ImportValueRefused" }),
    expect.objectContaining({ path: "r31/job_record.json", at: "$.opened", code: "ImportValueRefused" }),
    expect.objectContaining({ path: "r32/rounds/1/x.bin", code: "ImportMediaRefused" }),
    expect.objectContaining({
      path: "r33/rounds/1/manifest.json",
      at: "$.files[0].name",
      code: "ImportNameRefused",
    }),
    expect.objectContaining({ path: "r34/", at: "rounds", code: "ImportRowRefused" }),
    expect.objectContaining({ path: "r35/", at: "", code: "ImportRecordIncomplete" }),
    expect.objectContaining({
      path: "r36/job_record.json",
      at: "$.customer.code",
      code: "ImportValueRefused",
    }),
    expect.objectContaining({ path: "r7/", at: "customers", code: "ImportRowRefused" }),
  ]);
  for (const line of lines) if (line.kind === "refused") expect(line.hint).toMatch(/import again/);
  expect(await bucket.keys("prod/")).toEqual([]);
  expect(await rows(address, "select count(*)::int as jobs from public.jobs")).toEqual([{ jobs: 52 }]);
});

test("of two folders with the same key the second is refused, and so is one of the same name in other letters", async () => {
  const { lines } = await imported({
    "A1/job_record.json": job("A"),
    "a1/job_record.json": job("B"),
    "z/job_record.json": job("A", { note: "another" }),
  });
  expect(refusals({ lines })).toEqual([
    {
      ...{ path: "a1/", at: "", code: "ImportKeyTaken" },
      reason: 'its name is that of "A1/", but for the case of its letters',
    },
    {
      path: "z/",
      at: "job",
      code: "ImportKeyTaken",
      reason: '"A1/" has brought a row of "job" with the same key: A',
    },
  ]);
  expect(await rows(address, "select reference, note from public.jobs")).toEqual([
    { reference: "A", note: null },
  ]);
});

test("abuse 5: names that turn text around or hide letters refuse their record, links are not followed, and names that look like others are shown by their numbers", async () => {
  const folder = await folderOf({
    "bidi/job_record.json": job("A"),
    "bidi/gpj.\u202Eexe": "x",
    "hidden/job_record.json": job("B"),
    "hidden/a\u200Bb": "x",
    "p\u0430yments/job_record.json": job("C", { status: "Lost" }),
    "linked/job_record.json": job("D"),
    "twice/job_record.json": job("E"),
    "twice/File": "",
    "twice/file": "",
  });
  await symlink("/etc/passwd", join(folder, "linked/passwd"));
  await symlink("/etc", join(folder, "outside"));
  const { lines, summary } = await imported(folder);
  expect(summary.records).toMatchObject({ imported: 0, refused: 5 });
  expect(refusals({ lines })).toEqual([
    expect.objectContaining({
      path: "bidi/gpj.\\u{202e}exe",
      reason: "it holds a character that turns the text around",
    }),
    expect.objectContaining({ path: "hidden/a\\u{200b}b", reason: "it holds a character that nobody sees" }),
    expect.objectContaining({ path: "linked/passwd", reason: "it is a link, and links are not followed" }),
    expect.objectContaining({ path: "p\\u{430}yments/job_record.json", code: "ImportValueRefused" }),
    expect.objectContaining({
      path: "twice/file",
      reason: 'its name is that of "twice/File", but for the case of its letters',
    }),
  ]);
  expect(lines).toContainEqual({
    kind: "unread",
    path: "outside",
    reason: "it is a link, and links are not followed",
  });
});

test("abuse 6: a byte-order mark and CRLF are read, and what is no UTF-8 is refused with its offset", async () => {
  const text = Buffer.from(job("X"));
  const broken = Buffer.concat([text.subarray(0, 10), Buffer.from([0xe2, 0x28]), text.subarray(10)]);
  const { lines } = await imported({
    "a/job_record.json": `\uFEFF${job("A").replaceAll(",", ",\r\n")}`,
    "b/job_record.json": broken,
  });
  expect(refusals({ lines })).toEqual([
    {
      path: "b/job_record.json",
      at: "byte 10",
      code: "ImportDocumentRefused",
      reason: "it is not text in UTF-8",
    },
  ]);
  expect(await rows(address, "select reference from public.jobs")).toEqual([{ reference: "A" }]);
});

test("abuse 33: an object that holds other bytes is never written over, whoever's it is, and a key never leaves its folder", async () => {
  await bucket.store.put("prod/media/A/1/film.mp4", Buffer.from("somebody else's"));
  const manifest = (name: string) => JSON.stringify({ number: 1, files: [{ name }] });
  const { lines } = await imported({
    "a/job_record.json": job("A"),
    "a/rounds/1/manifest.json": manifest("film.mp4"),
    "a/rounds/1/film.mp4": "a film",
    "b/job_record.json": job("../../somewhere"),
    "b/rounds/1/manifest.json": manifest("film.mp4"),
    "b/rounds/1/film.mp4": "a film",
    "c/job_record.json": job("C"),
  });
  expect(refusals({ lines })).toEqual([
    {
      ...{ path: "a/rounds/1/film.mp4", at: "media/A/1/film.mp4", code: "ImportMediaRefused" },
      reason: 'other bytes are kept under its key "media/A/1/film.mp4"',
    },
    expect.objectContaining({
      path: "b/rounds/1/film.mp4",
      code: "ImportMediaRefused",
      reason: expect.stringContaining("slash"),
    }),
  ]);
  expect(Buffer.from(await bucket.store.get("prod/media/A/1/film.mp4")).toString()).toBe("somebody else's");
  expect(await bucket.keys("prod/")).toEqual(["prod/media/A/1/film.mp4"]);
  expect(await rows(address, "select reference from public.jobs")).toEqual([{ reference: "C" }]);
});

test("abuse 36: JSON that is too large, too deep, or says a thing twice is refused, and what is odd but right is kept", async () => {
  const { lines } = await imported(
    {
      "big/job_record.json": job("A", { note: "x".repeat(21_000) }),
      "deep/job_record.json": `{"reference":"B","x":${"[".repeat(10_000)}${"]".repeat(10_000)}}`,
      "nul/job_record.json": job("F", { note: "\u0000" }),
      "proto/job_record.json": job("C", { extra: 1 }).replace(
        '"extra":1',
        '"__proto__":{"status":"Lost"},"n":9007199254740993',
      ),
      "twice/job_record.json": '{"reference":"D",\n"reference":"E"}',
    },
    { mapping: `${MAPPING}\nlimits: { document: 21000 }\n` },
  );
  expect(refusals({ lines })).toEqual([
    {
      ...{ path: "big/job_record.json", at: "its size", code: "ImportDocumentRefused" },
      reason: expect.stringMatching(/^it has 21\d{3} bytes, and 21000 are the most$/),
    },
    {
      ...{ path: "deep/job_record.json", at: "line 1, column 121", code: "ImportDocumentRefused" },
      reason: "it has more than 100 levels",
    },
    expect.objectContaining({
      path: "nul/job_record.json",
      reason: "it holds the character 0, which no database takes",
    }),
    {
      ...{ path: "twice/job_record.json", at: "line 2, column 1", code: "ImportDocumentRefused" },
      reason: 'the key "reference" stands twice in one object',
    },
  ]);
  expect(await rows(address, "select record::text from public.jobs")).toEqual([
    { record: expect.stringContaining('"n": 9007199254740993') },
  ]);
});

test("a mapping that does not fit the database is refused before anything is read", async () => {
  const folder = await folderOf({ "a/job_record.json": job("A") });
  const wrong = MAPPING.replace("table: rounds", "table: ronds")
    .replace("key: [code]", "key: [name]")
    .replace("zone: UTC", "zone: Mars/Base")
    .replace("note: $.note", "not: $.note");
  expect(await refusalOf(() => imported(folder, { mapping: wrong }))).toMatchObject({
    code: "ImportMappingUnfit",
    message: expect.stringMatching(
      /no table "ronds".*no unique index of "public"."customers" is on exactly name.*has no column "not", did you mean "note".*"Mars\/Base" is no time zone/,
    ),
    hint: expect.stringContaining("correct the mapping in a new release"),
  });
});

/** A random tree: few customers, so that they are many records'; few names, so that keys collide. */
const trees = fc
  .array(
    fc.record({
      folder: fc.integer({ min: 0, max: 60 }),
      reference: fc.oneof(
        { weight: 8, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: fc.constantFrom("X", "Y") },
      ),
      customer: fc.constantFrom("c1", "c2", "c3"),
      note: fc.option(fc.string({ maxLength: 12, unit: "grapheme" })),
      rounds: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
      broken: fc.oneof(
        { weight: 9, arbitrary: fc.constant("") },
        { weight: 1, arbitrary: fc.constantFrom("json", "status", "row", "media") },
      ),
    }),
    { maxLength: 25 },
  )
  .map((drawn) => [...new Map(drawn.map((one) => [one.folder, one])).values()]);

type Drawn = typeof trees extends fc.Arbitrary<infer T> ? T : never;

function treeOf(drawn: Drawn): Tree {
  const tree: Tree = {};
  for (const { folder, reference, customer, note, rounds, broken } of drawn) {
    const text = job(reference ?? `J${folder}`, {
      ...{ note, customer: { code: customer, name: customer } },
      ...(broken === "status" && { status: "Lost" }),
      ...(broken === "row" && { customer: { code: "cx", name: "z".repeat(50) } }),
    });
    tree[`${folder}/job_record.json`] = broken === "json" ? text.slice(0, -1) : text;
    for (const number of rounds) {
      const hash = broken === "media" ? "0".repeat(64) : sha256(`${folder} ${number}`);
      tree[`${folder}/rounds/${number}/manifest.json`] = JSON.stringify({
        number,
        files: [{ name: "m.bin", sha256: hash }],
      });
      tree[`${folder}/rounds/${number}/m.bin`] = `${folder} ${number}`;
    }
  }
  return tree;
}

/** What the tables have to hold, thought out another way. */
function wantedOf(drawn: Drawn) {
  const taken = new Set<string>();
  const jobs: string[] = [];
  const media: string[] = [];
  const order = [...drawn].sort((one, other) => (`${one.folder}/` < `${other.folder}/` ? -1 : 1));
  for (const { folder, reference, customer, note, rounds, broken } of order) {
    if (["json", "status"].includes(broken) || (broken === "media" && rounds.length > 0)) continue;
    const name = reference ?? `J${folder}`;
    if (taken.has(name)) continue;
    taken.add(name);
    if (broken === "row") continue;
    jobs.push(JSON.stringify([name, customer, note]));
    for (const number of rounds) media.push(JSON.stringify([name, number, sha256(`${folder} ${number}`)]));
  }
  return { jobs: jobs.sort(), media: media.sort(), objects: media.length };
}

async function found() {
  const list = async (query: string) =>
    (await rows<{ row: unknown[] }>(address, query)).map(({ row }) => JSON.stringify(row)).sort();
  return {
    jobs: await list(
      "select json_build_array(j.reference, c.code, j.note) as row from public.jobs j join public.customers c on c.id = j.customer",
    ),
    media: await list(
      `select json_build_array(j.reference, r.number, m.sha256) as row from public.media m join public.rounds r on r.id = m.round
        join public.jobs j on j.id = r.job`,
    ),
    objects: (await bucket.keys("prod/")).length,
  };
}

test("fuzz: whatever the tree, and wherever an attempt breaks off, the tables hold what a plain reading gives, and a second run writes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(trees, fc.nat({ max: 12 }), fc.boolean(), async (drawn, point, yields) => {
      await execute(address, `truncate events, ${TABLES.join(", ")} restart identity`);
      await bucket.store.erase("prod/");
      const folder = await folderOf(treeOf(drawn));
      let passed = 0;
      const breakOff = () => {
        if (passed++ === point) throw new Error("broken off");
      };
      await imported(folder, { passed: breakOff }).catch((error: Error) => {
        if (error.message !== "broken off") throw error;
      });
      const whole = await imported(folder, { mayGoOn: () => !yields });
      expect(await found()).toEqual(wantedOf(drawn));
      expect(whole.summary.records.read).toBe(drawn.length);
      expect(refusals(whole)).toHaveLength(whole.summary.records.refused);
      const [before, told] = [await standing(), await events()];
      const again = await imported(folder);
      expect(await standing()).toEqual(before);
      expect(await events()).toEqual(told);
      expect(again.lines).toEqual(whole.lines);
    }),
    { numRuns: Number(process.env.REHEARSAL_TEST_TREES ?? 6) },
  );
});

test("an attempt whose time is over leaves the rest to the next, which goes on behind it", async () => {
  const tree: Tree = {};
  for (let number = 0; number < 600; number++)
    tree[`r${String(number).padStart(3, "0")}/job_record.json`] = job(
      `R${number}`,
      number % 100 === 0 ? { status: "Lost" } : {},
    );
  const { summary, attempts, lines } = await imported(tree, { mayGoOn: () => false });
  expect(attempts).toBeGreaterThan(2);
  expect(summary).toMatchObject({
    records: { read: 600, refused: 6 },
    rows: { job: { inserted: 594, unchanged: 0 } },
  });
  expect(lines).toHaveLength(6);
});

test("a source that changes while it is read ends the import, and what was done is found", async () => {
  const folder = await folderOf({ "a/job_record.json": job("A"), "b/job_record.json": job("B") });
  const source = {
    list: async function* () {
      yield { path: "a/job_record.json", size: Buffer.byteLength(job("A")) };
      yield { path: "b/job_record.json", size: 5 };
    },
    read: (await import("../../../io/import/folder-source.ts")).openFolderSource,
    close: () => {},
  };
  const opened = await source.read(folder);
  expect(await refusalOf(() => imported(folder, { source: { ...opened, list: source.list } }))).toMatchObject(
    {
      code: "ImportSourceChanged",
      hint: expect.stringContaining("leave the source alone"),
    },
  );
  await mkdir(join(folder, "c"));
  await rename(join(folder, "b/job_record.json"), join(folder, "c/job_record.json"));
  expect((await imported(folder)).summary.records).toMatchObject({ imported: 2 });
});
