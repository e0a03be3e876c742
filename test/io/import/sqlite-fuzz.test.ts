/** Random SQLite databases: both sides agree on what came over, by another way as well, and one planted byte is found. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../../core/database-url.ts";
import { parseSqliteMapping } from "../../../core/import/sqlite-mapping.ts";
import { sqliteFile } from "../../../io/import/sqlite-copy.ts";
import { importSqlite } from "../../../io/import/sqlite-import.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../../postgres.ts";

const RUNS = Number(process.env.REHEARSAL_TEST_SQLITE_RUNS ?? 25);

let address: DatabaseAddress;
let folder: string;
beforeAll(async () => {
  address = await freshDatabase(newestServer(), "create schema rehearsal");
  folder = await mkdtemp(join(tmpdir(), "sqlite-fuzz-"));
});
afterAll(async () => {
  await dropDatabases(address);
  await rm(folder, { recursive: true });
});

interface Kind {
  type: string;
  value: fc.Arbitrary<SQLInputValue>;
  /** What Postgres shows, as SQL over the column, and the same computed from what SQLite was given. */
  shows: string;
  shown: (value: SQLInputValue) => string;
  /** Another value than any: SQL over the column. */
  planted: string;
}

const text = fc
  .string({ unit: "grapheme", maxLength: 12 })
  .map((one) => one.replaceAll("\0", "").toWellFormed());

const json = fc
  .jsonValue({ maxDepth: 3 })
  .filter((value) => !/\\u0000|\\ud[89a-f]/.test(JSON.stringify(value)))
  .map((value) => JSON.stringify(value));

const hexOf = (value: SQLInputValue) => Buffer.from(value as Uint8Array).toString("hex");

const KINDS: Kind[] = [
  {
    type: "bigint",
    value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    ...{ shows: "%::text", shown: String, planted: "% # 1" },
  },
  {
    type: "double precision",
    value: fc.double({ noNaN: true }),
    ...{ shows: "encode(float8send(%), 'hex')", planted: "case when % = 0 then 1 else 0 end" },
    shown: (value) => {
      const eight = Buffer.alloc(8);
      eight.writeDoubleBE(Number(value));
      return eight.toString("hex");
    },
  },
  {
    type: "text",
    value: text,
    shows: "encode(convert_to(%, 'UTF8'), 'hex')",
    shown: (value) => Buffer.from(String(value)).toString("hex"),
    planted: "% || ' '",
  },
  {
    type: "bytea",
    value: fc.uint8Array({ maxLength: 20 }),
    ...{ shows: "encode(%, 'hex')", shown: hexOf, planted: "% || '\\x00'" },
  },
  {
    type: "timestamptz",
    value: fc
      .date({ min: new Date("0001-01-02"), max: new Date("9999-12-30"), noInvalidDate: true })
      .map((date) => date.toISOString()),
    shows: 'to_char(%, \'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\')',
    ...{ shown: String, planted: "% - interval '1 microsecond'" },
  },
  {
    type: "jsonb",
    value: json,
    // Numbers count by their value, and keys by what they say: PostgreSQL is asked to take them as it does.
    shows: "(%)::text",
    ...{ shown: () => "", planted: "jsonb_build_array(%)" },
  },
  {
    type: "boolean",
    value: fc.constantFrom(0n, 1n),
    ...{ shows: "(%)::int::text", shown: String, planted: "not %" },
  },
  {
    type: "uuid",
    value: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    shows: "replace(%::text, '-', '')",
    ...{ shown: hexOf, planted: "gen_random_uuid()" },
  },
];

const drawn = fc.array(fc.nat({ max: KINDS.length - 1 }), { minLength: 1, maxLength: 6 }).chain((kinds) =>
  fc.record({
    kinds: fc.constant(kinds.map((at) => KINDS[at] as Kind)),
    names: fc.uniqueArray(
      text.filter((name) => name.trim() !== "" && Buffer.byteLength(name) < 60 && !/^id$/i.test(name)),
      { minLength: kinds.length, maxLength: kinds.length, selector: (name) => name.toLowerCase() },
    ),
    rows: fc.array(
      fc.tuple(...kinds.map((at) => fc.option((KINDS[at] as Kind).value, { nil: null, freq: 6 }))),
      { minLength: 1, maxLength: 12 },
    ),
    withoutRowid: fc.boolean(),
    utf16: fc.boolean(),
  }),
);

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

test("whatever a SQLite database holds comes over as it is, and one value that differs is found with its column", async () => {
  const mapping = parseSqliteMapping("imports/fuzz.yaml", Buffer.from("from: sqlite"));
  let run = 0;
  await fc.assert(
    fc.asyncProperty(drawn, async ({ kinds, names, rows: values, withoutRowid, utf16 }) => {
      const path = join(folder, `${++run}.db`);
      const database = new DatabaseSync(path);
      if (utf16) database.exec("pragma encoding = 'UTF-16le'");
      const columns = names.map(quoted);
      // No declared type: SQLite then leaves every value as it was given.
      database.exec(
        `create table "T" (id integer primary key, ${columns.join(", ")}) ${withoutRowid ? "without rowid" : ""}`,
      );
      const insert = database.prepare(`insert into "T" values (?${", ?".repeat(names.length)})`);
      for (const [at, row] of values.entries()) insert.run(at, ...row);
      database.close();
      await execute(
        address,
        `drop schema public cascade; create schema public; create table t (id int primary key, ${kinds.map(({ type }, at) => `${columns[at]} ${type}`).join(", ")})`,
      );
      const again = () =>
        importSqlite({
          ...{ source: sqliteFile(path), mapping, address, application: "fuzz", id: `f${run}`, attempt: 1 },
          ...{ onProgress: () => {}, passed: () => {}, commit: (commit: () => Promise<void>) => commit() },
        });
      expect(await again()).toMatchObject({ changed: true, tables: [{ status: "loaded" }] });
      const shown = kinds.map(({ shows }, at) => shows.replaceAll("%", () => columns[at] ?? ""));
      const found = await rows<{ told: (string | null)[] }>(
        address,
        `select array[${shown.join(", ")}] as told from public.t order by id`,
      );
      for (const [at, { told }] of found.entries())
        for (const [place, kind] of kinds.entries()) {
          const given = values[at]?.[place] ?? null;
          if (given === null) expect(told[place]).toBeNull();
          else if (kind.type === "jsonb")
            expect(JSON.parse(told[place] ?? "")).toEqual(JSON.parse(String(given)));
          else expect(told[place]).toBe(kind.shown(given));
        }
      const place = run % kinds.length;
      const [name, kind] = [names[place] ?? "", kinds[place] as Kind];
      const planted = kind.planted.replaceAll("%", () => columns[place] ?? "");
      const [hit] = await rows<{ hit: boolean }>(
        address,
        `with one as (update public.t set ${columns[place]} = case when ${columns[place]} is null then null else ${planted} end
          where id = 0 returning ${columns[place]} is not null as hit) select hit from one`,
      );
      if (hit?.hit)
        expect(await again()).toMatchObject({
          ...{ changed: false, refusal: { code: "ImportTableTaken" } },
          tables: [{ status: "other-rows", differing: [name] }],
        });
      else expect(await again()).toMatchObject({ changed: false, tables: [{ status: "unchanged" }] });
    }),
    { numRuns: RUNS },
  );
}, 120_000);
