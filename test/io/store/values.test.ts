/**
 * Values of every type between a real server and a store: both ways, nothing lost, and in the server's order.
 * Long because every kind of value has its list of what may be given.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { quoteLiteral } from "../../../core/names.ts";
import type { SchemaLock } from "../../../core/schema-lock.ts";
import type { StoreModel } from "../../../core/store/definition.ts";
import { digestOfTexts, rowDigest } from "../../../core/store/digest.ts";
import { compareKeys, keyText, orderOf } from "../../../core/store/keys.ts";
import { typeOf } from "../../../core/store/lock-types.ts";
import { parseRow, rowOfTexts, rowSchema, textsOfRow } from "../../../core/store/rows.ts";
import type { Row } from "../../../core/store/store.ts";
import type { StoreValue } from "../../../core/store/values.ts";
import { openSession, type Session } from "../../../io/postgres/session.ts";
import { dropDatabases, freshDatabase, newestServer } from "../../postgres.ts";
import { refusalOf } from "../../refusal.ts";
import { arrayOf, BUILT_IN, compositeOf, Dice, type RandomType, rangesOf } from "../random-values.ts";

/** Values of each type. */
const RUNS = Number(process.env.REHEARSAL_STORE_RUNS ?? 12);

const SEED = Number(process.env.REHEARSAL_STORE_SEED ?? 8);

/** Types that people make. */
const OWN = `create schema own;
  create type own.mood as enum ('sad', 'o"k', 'Happy, {really}', '');
  create domain own.positive as integer check (value > 0);
  create domain own.labels as text[];
  create type own.pair as (a text, b integer[], c own.mood);
  create type own.textrange as range (subtype = text, collation = "C")`;

const MOOD: RandomType = {
  sql: "own.mood",
  value: (dice) => dice.pick(["sad", 'o"k', "Happy, {really}", ""]),
};

const text = BUILT_IN.find(({ sql }) => sql === "text") as RandomType;

const TYPES: RandomType[] = [
  ...BUILT_IN,
  MOOD,
  { sql: "own.positive", value: (dice) => String(dice.between(1, 99)) },
  { ...arrayOf(text), sql: "own.labels" },
  compositeOf("own.pair", [text, arrayOf({ sql: "", value: (dice) => String(dice.below(9)) }), MOOD]),
  ...rangesOf("own.textrange", "own.textmultirange", (number) => String(number + 1000).padStart(4, "0")),
];

/** What a schema lock says of these types. */
const LOCK = {
  enums: { "own.mood": ["sad", 'o"k', "Happy, {really}", ""] },
  others: {
    "domain own.positive": { type: "integer" },
    "domain own.labels": { type: "text[]" },
  },
} as unknown as SchemaLock;

let session: Session;

beforeAll(async () => {
  const address = await freshDatabase(newestServer(), OWN);
  session = await openSession(address, { application: "test" });
});
afterAll(async () => {
  await session.close();
  await dropDatabases(session.address);
});

let made = 0;

/** A table with one column of the type, and a model of it as the lock would have it. */
async function tableOf(sql: string) {
  const table = `t${++made}`;
  await session.execute(`create table public.${table} (n integer primary key, v ${sql})`);
  const [found] = await session.query<{ type: string }>(
    `select format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = $1::regclass and attname = 'v'`,
    [`public.${table}`],
  );
  const type = found?.type ?? "";
  const model = {
    ...{ name: "Value", schema: "public", table, key: ["v"], file: "v.json", content: {} },
    columns: [{ name: "v", type, of: typeOf(LOCK, type).of, nullable: true }],
    ...{ relations: [], unique: [], indexes: [], notCarried: [] },
  } satisfies StoreModel;
  const fill = async (texts: readonly string[]) => {
    await session.execute(`truncate public.${table}`);
    await session.execute(
      `insert into public.${table} values ${texts.map((value, n) => `(${n}, ${quoteLiteral(value)})`).join(", ")}`,
    );
    return shown("n");
  };
  const shown = async (order: string) => {
    const { rows } = await session.table(`select v from public.${table} order by ${order}`);
    return rows.map(([value]) => value ?? "");
  };
  return { model, fill, shown };
}

const inFile = (row: Row) => JSON.parse(JSON.stringify(row)) as Row;

const EACH = [...TYPES, ...TYPES.map(arrayOf)];

test.each(EACH.map((type) => [type.sql, type] as const))(
  "%s comes through a file exactly",
  async (sql, type) => {
    const dice = new Dice(SEED + made);
    const { model, fill, shown } = await tableOf(sql);
    const given = await fill(dice.times(RUNS, () => type.value(dice)));
    const rows = given.map((value) => inFile(rowOfTexts(model, [value])));
    const written = rows.map((row) => textsOfRow(model, row)[0] ?? "");
    expect(await fill(written)).toEqual(given);

    // What a row has, somebody may give, and it is the same row.
    for (const [at, row] of rows.entries()) {
      const parsed = parseRow(model, row);
      expect(rowDigest(model, parsed)).toBe(rowDigest(model, row));
      expect(digestOfTexts(model, [given[at] ?? null])).toBe(rowDigest(model, row));
      if (!FLOATS.test(sql)) expect(written[at]).toBe(given[at]);
    }
    if (!type.ordered || model.columns[0]?.of.array || /^(jsonb?|interval.*)$/.test(sql)) return;
    const ordered = (await shown(orderOf(model))).map((value) => rowOfTexts(model, [value]));
    for (const [at, row] of ordered.entries()) {
      const before = ordered[at - 1];
      if (before === undefined) continue;
      const order = compareKeys(model, before, row);
      expect(order).toBeLessThanOrEqual(0);
      expect(order === 0).toBe(keyText(model, before) === keyText(model, row));
    }
  },
);

/** Postgres writes other digits of few of them. */
const FLOATS = /^(real|double precision)/;

test("NULL comes through a file, beside what looks like it", async () => {
  const { model } = await tableOf("text[]");
  const row = inFile(rowOfTexts(model, ['{NULL,"NULL",""}']));
  expect(row).toEqual({ v: [null, "NULL", ""] });
  expect(textsOfRow(model, row)).toEqual(['{NULL,"NULL",""}']);
  expect(rowOfTexts(model, [null])).toEqual({ v: null });
});

/** What is given, and what is kept of it, or why nothing is. */
const GIVEN: Record<string, [given: unknown, kept: StoreValue | RegExp][]> = {
  smallint: [
    ...same(0, 32_767, null),
    [-0, 0],
    [32_768, /smallint does not hold/],
    [1.5, /no whole number/],
    ["1", /no whole number/],
  ],
  bigint: [
    ...same("9223372036854775807"),
    [5, "5"],
    ["0012", "12"],
    ["-0", "0"],
    ["9223372036854775808", /bigint does not hold/],
    ["1.0", /no whole number/],
    [2 ** 60, /where a text is wanted/],
  ],
  "numeric(6,2)": [
    ...same("NaN"),
    ["1.005", "1.01"],
    ["-1.005", "-1.01"],
    ["9999.994", "9999.99"],
    [".5", "0.50"],
    ["5.", "5.00"],
    ["1e3", "1000.00"],
    ["1e-9", "0.00"],
    ["9999.995", /more digits than numeric\(6,2\) holds/],
    ["Infinity", /infinite/],
    ["x", /no number/],
  ],
  "numeric(4,-2)": [
    ["149", "100"],
    ["-150", "-200"],
    ["999949", "999900"],
    ["999950", /more digits/],
  ],
  numeric: [
    ...same("1.50", "-Infinity"),
    ["1e3", "1000"],
    ["-0.00", "0.00"],
    ["007", "7"],
    ["1e-5", "0.00001"],
    [1e21, "1000000000000000000000"],
    [0.1, "0.1"],
    ["1e999999", /numeric does not hold/],
  ],
  real: [
    ...same(0.1, "NaN", "-0", "-Infinity"),
    [16_777_217, 16_777_216],
    [Number.NaN, "NaN"],
    [1e39, /real does not hold/],
    [1e-50, /real does not hold/],
    ["x", /no number/],
  ],
  "double precision": [...same(1e23, 5e-324, "Infinity"), [-0, "-0"], [Number.POSITIVE_INFINITY, "Infinity"]],
  "varchar(3)": [
    ...same("abc", "", "🐘🐘🐘"),
    ["ab   ", "ab "],
    ["abcd", /more than 3 characters/],
    ["a\0b", /the character 0/],
    ["\ud800", /half a pair/],
    [undefined, /left out/],
  ],
  "character(3)": [...same("abc"), ["a", "a  "], ["abc  ", "abc"], ["", "   "], ["abcd", /more than 3/]],
  uuid: [
    ["00000000-0000-0000-0000-00000000000A", "00000000-0000-0000-0000-00000000000a"],
    ["nonsense", /no uuid/],
  ],
  bytea: [...same("", "AAE="), ["AAE", /no base64/], ["not base64", /no base64/]],
  json: [...same('{"a": 1, "a": 2}', "null", " [1,\n2.50] "), ["{", /no JSON/], [{}, /an object/]],
  jsonb: [
    ...same(
      { a: [1, { c: null }], b: 1 },
      "text",
      true,
      0.1,
      [],
      {},
      [[]],
      { $jsonb: "null" },
      { $jsonb: "1.50" },
    ),
    ...same({ $jsonb: 1 }, { $jsonb: "1", more: 1 }, { 9: "b", 10: "a", é: 1, zz: 2 }),
    ...same(JSON.parse('{"__proto__": {"constructor": 1}}') as StoreValue),
    [-0, 0],
    [1e21, { $jsonb: "1000000000000000000000" }],
    [1e-7, { $jsonb: "0.0000001" }],
    [{ $jsonb: '{"z": [], "aa": 2.0}' }, { $jsonb: '{"z": [], "aa": 2.0}' }],
    [{ $jsonb: '{"aa": 2, "z": []}' }, { z: [], aa: 2 }],
    [{ $jsonb: '{"$jsonb": "1"}' }, { $jsonb: '{"$jsonb": "1"}' }],
    [{ $jsonb: "{" }, /no JSON/],
    [["\0"], /NUL/],
    [["\ud800"], /surrogates/],
    [[undefined], /no JSON/],
    [Number.NaN, /no JSON/],
    [new Date(0), /no JSON/],
  ],
  date: [
    ...same("2026-02-28", "infinity", "0044-03-15 BC", "5874897-12-31"),
    ["2026-02-29", /no date/],
    ["0000-01-01", /no date/],
    ["20260228", /no date/],
  ],
  time: [
    ...same("08:00:00", "24:00:00"),
    ["08:00:00.500000", "08:00:00.5"],
    ["24:00:01", /no time/],
    ["08:00", /no time/],
    ["08:00:60", /no time/],
  ],
  "time(3)": [...same("08:00:00.123"), ["08:00:00.1234", /more than 3 digits/]],
  timestamp: [
    ...same("2026-03-01 08:00:00.000001", "infinity"),
    ["2026-03-01T08:00:00", "2026-03-01 08:00:00"],
    ["2026-03-01T08:00:00Z", /no time/],
  ],
  "timestamp(3)": [["2026-03-01T08:00:00.120", "2026-03-01 08:00:00.12"]],
  timestamptz: [
    ...same("4714-11-24 00:00:00+00 BC", "-infinity"),
    ["2026-03-01T08:00:00.000Z", "2026-03-01 08:00:00+00"],
    ["2026-03-01T08:00:00.5+05:30", "2026-03-01 02:30:00.5+00"],
    ["2026-03-01 08:00:00-12", "2026-03-01 20:00:00+00"],
    ["0001-01-01 00:00:00+01", "0001-12-31 23:00:00+00 BC"],
    ["9999-12-31T23:59:59-01:00", "10000-01-01 00:59:59+00"],
    ["2026-03-01 08:00:00", /no time with its zone/],
  ],
  "own.mood": [...same("sad", ""), ["glad", /none of "sad"/]],
  "own.positive": [...same(1), ["1", /no whole number/]],
  "integer[]": [
    ...same([1, null, 3], [], "{{1,2},{3,4}}", "[0:1]={1,2}"),
    ["{1,2}", /no list/],
    [[1.5], /no whole number/],
  ],
  "text[]": same(["a,b", '"', "\\", "", "NULL", null, "{}"]),
  inet: [...same("10.0.0.1"), [5, /where a text is wanted/]],
};

function same(...values: StoreValue[]): [StoreValue, StoreValue][] {
  return values.map((value) => [value, value]);
}

test.each(Object.entries(GIVEN))(
  "%s: what a person gives is what Postgres keeps, or is refused",
  async (sql, given) => {
    const { model, fill } = await tableOf(sql);
    const taken: Row[] = [];
    for (const [value, kept] of given) {
      if (kept instanceof RegExp) {
        const refusal = await refusalOf(() => parseRow(model, { v: value }));
        expect(refusal).toMatchObject({ code: "StoreRowInvalid", message: expect.stringMatching(kept) });
        expect(refusal.hint).toContain("nothing was written");
        continue;
      }
      expect(parseRow(model, { v: value })).toEqual({ v: kept });
      if (kept !== null) taken.push({ v: kept });
    }
    const shown = await fill(taken.map((row) => textsOfRow(model, row)[0] ?? ""));
    expect(shown.map((one) => inFile(rowOfTexts(model, [one])))).toEqual(taken.map(inFile));
  },
);

test("a row has all of its columns and no others, by the schema as well", async () => {
  const { model } = await tableOf("text");
  const refusal = await refusalOf(() => parseRow(model, { w: "x" }));
  expect(refusal.message).toContain("w: there is no such column; v: it is left out");
  expect(await refusalOf(() => parseRow(model, [1]))).toMatchObject({ code: "StoreRowInvalid" });
  expect(rowSchema(model).safeParse({ v: 5 }).error?.issues).toMatchObject([{ path: ["v"] }]);
  expect(rowSchema(model).parse({ v: "x" })).toEqual({ v: "x" });
});
