/** Query presets' files: what their headers may say, where a parameter stands, and what is no query. */
import { expect, test } from "vitest";
import { RehearsalError } from "../../../core/errors.ts";
import { parseQuery } from "../../../core/query/file.ts";

const read = (text: string, name = "one") => parseQuery(`queries/${name}.sql`, Buffer.from(text));

async function refusal(text: string): Promise<RehearsalError> {
  const error = await read(text).catch((thrown: unknown) => thrown);
  if (error instanceof RehearsalError) return error;
  throw new Error(`not refused: ${JSON.stringify(error)}`);
}

test("a header tells what a query is for, its parameters and its limit", async () => {
  const query = await read(`-- Archived finals, newest first.
-- Corrections are left out.
--
-- rehearsal: parameter customer text optional: only this customer's
-- rehearsal: parameter since date = 2020-01-01: archived since then
-- rehearsal: parameter at timestamptz = 2020-01-01T12:00:00Z
-- rehearsal: parameter word text = 'it''s: all'
-- rehearsal: parameter ids bigint[] optional
-- rehearsal: limit 500
-- joined by reference
select 1 -- :not_one
  where (:customer is null or :customer = '') and :since <= current_date and now() > :at and :word <> ':x'
    and 1 = any(:ids);
-- the end
`);
  expect(query).toMatchObject({
    name: "one",
    path: "queries/one.sql",
    description: "Archived finals, newest first.\nCorrections are left out.",
    parameters: [
      { name: "customer", type: "text", optional: true, text: "only this customer's" },
      { name: "since", type: "date", optional: false, default: "2020-01-01", text: "archived since then" },
      { name: "at", type: "timestamptz", optional: false, default: "2020-01-01T12:00:00Z" },
      { name: "word", type: "text", optional: false, default: "it's: all" },
      { name: "ids", type: "bigint[]", optional: true },
    ],
    limit: 500,
  });
  expect(query.sql).toBe(`select 1 -- :not_one
  where (($1::pg_catalog.text) is null or ($1::pg_catalog.text) = '') and ($2::pg_catalog.date) <= current_date and now() > ($3::pg_catalog.timestamptz) and ($4::pg_catalog.text) <> ':x'
    and 1 = any(($5::pg_catalog.int8[]))`);
});

test.each([
  ["a cast", "select a::text, :x from t", "select a::text, ($1::pg_catalog.int4) from t"],
  ["a cast of a parameter", "select :x::text", "select ($1::pg_catalog.int4)::text"],
  [
    "a slice",
    "select a[b:c], a[1:b], a[:x] from t",
    "select a[b:c], a[1:b], a[($1::pg_catalog.int4)] from t",
  ],
  [
    "a key of JSON",
    "select json_object('a':b, 'c': :x) from t",
    "select json_object('a':b, 'c': ($1::pg_catalog.int4)) from t",
  ],
  [
    "strings of every kind",
    `select ':y', E'\\':y', $$ :y $$, $q$ :y $q$, ":y", U&':y' /* :y /* :y */ */, :x from t`,
    `select ':y', E'\\':y', $$ :y $$, $q$ :y $q$, ":y", U&':y' /* :y /* :y */ */, ($1::pg_catalog.int4) from t`,
  ],
  ["a named argument", "select f(a := :x)", "select f(a := ($1::pg_catalog.int4))"],
])("%s is no parameter, and what is one stands beside it", async (_, sql, bound) => {
  expect((await read(`-- rehearsal: parameter x integer\n${sql}`)).sql).toBe(bound);
});

test.each([
  ["select 1; select 2", "it holds more than one statement"],
  ["delete from t", "it is neither SELECT, VALUES nor WITH"],
  ["explain analyze select 1", "it is neither SELECT, VALUES nor WITH"],
  ["copy (select 1) to stdout", "it is neither SELECT, VALUES nor WITH"],
  ["with gone as (delete from t returning 1) select * from gone", "it writes in WITH"],
  [
    "select 1 where exists (with x as (insert into t values (1) returning 1) select 1 from x)",
    "it writes in WITH",
  ],
  ["select * into u from t", "it makes a table with INTO"],
  ["select * from t for update", "it locks rows"],
  ["select * from (select * from t for share) as u", "it locks rows"],
  ["select nextval('s')", "it calls nextval(): it writes"],
  ["select pg_catalog.setval('s', 1)", "it calls setval(): it writes"],
  [
    "select pg_advisory_xact_lock(1)",
    "it calls pg_advisory_xact_lock(): others would wait for what it locks",
  ],
  [
    "select set_config('a.b', 'c', false)",
    "it calls set_config(): it changes the session that the query runs in",
  ],
  ["select query_to_xml('delete from t', true, true, '')", "it runs a text as SQL"],
  ["select * from reports.crosstab($$select set_config($$) as c (a text)", "it runs a text as SQL"],
  ["select ts_rewrite(q, $$select a, b from t$$) from t", "it runs a text as SQL"],
  ["select lo_create(0)", "it calls lo_create(): it writes"],
  ["select $1", 'parameters have names: write ":name"'],
  ["select :nobody", '":nobody" is not declared'],
  ["-- rehearsal: parameter customer text\nselect :custmer", 'did you mean "customer"?'],
  ["-- rehearsal: parameter customer text\nselect 1", 'it declares "customer" and never uses it'],
  ["-- rehearsal: parameter a text\n-- rehearsal: parameter a text\nselect :a", "is declared twice"],
  ["-- rehearsal: parameter a txt\nselect :a", '"txt" is no type of a parameter; did you mean "text"?'],
  ["-- rehearsal: parameter a\nselect :a", "it is written: parameter NAME TYPE"],
  ["-- rehearsal: parameter __proto__ text\nselect 1", "is no name of a parameter"],
  ["-- rehearsal: parameter a;drop text\nselect :a", "is no name of a parameter"],
  ["-- rehearsal: parameter a integer = ten\nselect :a", 'its default ("ten") is not a whole number'],
  ["-- rehearsal: parameter a date = 2021-02-30\nselect :a", "is no day of the calendar"],
  ["-- rehearsal: limit 0\nselect 1", "its limit is no whole number from 1 to 1000000"],
  ["-- rehearsal: limit 5\n-- rehearsal: limit 6\nselect 1", "it has a limit already"],
])("abuse 38: no query is %s", async (sql, reason) => {
  const { code, message, hint } = await refusal(sql);
  expect({ code, message, hint }).toEqual({
    code: "QueryFileRefused",
    message: expect.stringContaining(reason),
    hint: expect.stringContaining("exactly one statement that only reads"),
  });
});

test.each([
  ["-- rehearsal: paramter a text\nselect 1", "DirectiveUnknown", 'did you mean "parameter"?'],
  ["-- rehearsal: no-transaction\nselect 1", "DirectiveUnknown", "known are: parameter, limit"],
  ["select 1\n-- rehearsal: limit 5", "DirectiveMisplaced", "before the first statement"],
  ["select dblink('x', 'delete from t')", "ServerReach", ""],
  ["select pg_read_file('x')", "ServerReach", ""],
  ["select pg_advisory_lock(1) from t", "QueryFileRefused", "only reads"],
  ["-- only words", "SqlEmpty", ""],
  ["select from where :", "SqlSyntax", ""],
  ["select '\0'", "SqlNotText", ""],
])("%j is refused as %s", async (sql, code, hint) => {
  expect(await refusal(sql)).toMatchObject({ code, hint: expect.stringContaining(hint) });
});

test("a syntax error is told where it stands, parameters before it or not", async () => {
  const { facts } = await refusal("-- rehearsal: parameter customer text\nselect :customer, 1 1");
  expect(facts).toMatchObject({ line: 2, column: 21 });
});

test("abuse 1: a name with a quote, a semicolon or a line break is a name", async () => {
  for (const name of [`it's`, `a"b`, "a;b", "a\nb", "ä b"])
    expect((await read("select 1", name)).name).toBe(name);
});
