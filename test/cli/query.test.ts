/** `rehearsal query`: tables that fit, files that are whole, and nothing of a row that a terminal obeys. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tableLines } from "../../cli/query-table.ts";
import { bundleOf, KEY, registerFresh, uploadRelease } from "../api/world.ts";
import { execute } from "../postgres.ts";
import { assertShape, type CommandWorld, openCommandWorld } from "./command.ts";
import { runHere } from "./run-here.ts";

const FILES = {
  "queries/books.sql": `-- Every book.
-- rehearsal: parameter title text optional: only this one
-- rehearsal: parameter ids integer[] optional
select id, title from books where (:title is null or title = :title) and (:ids is null or id = any(:ids)) order by id`,
  "queries/many.sql": "select n, repeat('x', 100) as wide from generate_series(1, 10000000) as n",
};

let world: CommandWorld;

beforeAll(async () => {
  world = await openCommandWorld();
  const release = await uploadRelease(world, bundleOf(FILES));
  const address = await registerFresh(world, "shop");
  await execute(
    address,
    `create table books (id int primary key, title text);
      insert into books values (1, 'One'), (2, null), (3, E'\\u001b[31mred\\nend'), (4, 'NULL'), (5, '')`,
  );
  await world.ledger.query("update ledger.environments set release = $1 where name = 'shop'", [release]);
});

afterAll(() => world.close());

const query = (...words: string[]) =>
  runHere(["query", ...words, "--environment", "shop"], { REHEARSAL_URL: world.url, REHEARSAL_KEY: KEY });

test("what there is to ask is listed with its parameters, and asked with them", async () => {
  const listed = await query("--list");
  expect(listed.out).toBe(`books
  Every book.
  --param title=…  text, may be left out: only this one
  --param ids=…  integer[], may be left out

many
`);
  const found = await query("books", "--param", "ids=1", "--param", "ids=2");
  expect(found).toEqual({
    exit: 0,
    out: "id  title\n--  -----\n 1  One\n 2  NULL\n",
    err: expect.stringMatching(/^2 rows in \d+ ms\n$/),
  });
});

test("abuse 37: control characters of a row are escapes in the table, NULL is no text, and a file has what was there", async () => {
  expect((await query("books", "--param", "ids=2,3,4,5")).out).toBe(
    'id  title\n--  ------------------\n 2  NULL\n 3  \\u001b[31mred\\nend\n 4  "NULL"\n 5  ""\n',
  );
  expect((await query("books", "--param", "ids=3", "--format", "csv")).out).toBe(
    'id,title\r\n3,"\u001b[31mred\nend"\r\n',
  );
});

test("a large result is streamed to a file, whole or not there, and never over another", async () => {
  const folder = await world.folder();
  const path = join(folder, "many.ndjson");
  const done = await query("many", "--limit", "40000", "--out", path);
  expect(done).toMatchObject({
    exit: 0,
    out: expect.stringContaining("40,000 rows"),
    err: expect.stringContaining("--limit ROWS"),
  });
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
  expect({ lines: lines.length, last: JSON.parse(lines.at(-1) ?? "") }).toEqual({
    lines: 40_000,
    last: { n: 40_000, wide: "x".repeat(100) },
  });
  const again = await query("many", "--limit", "1", "--out", path);
  expect(again).toMatchObject({ exit: 2, err: expect.stringContaining("nothing is written over") });
  expect(await readdir(folder)).toEqual(["many.ndjson"]);
  for (const words of [["books"], ["--list"], ["books", "--out", join(folder, "books.csv")]]) {
    const value = JSON.parse((await query(...words, "--json")).out);
    assertShape(["query"], value);
    if (words[0] === "books") expect(value).toMatchObject({ rows: 5, truncated: null });
  }
});

test("a reader who stops early ends the command", async () => {
  const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
  const words = ["query", "many", "--environment", "shop", "--limit", "40000", "--format", "csv"];
  const child = spawn(process.execPath, [main, ...words], {
    env: { PATH: process.env.PATH, REHEARSAL_URL: world.url, REHEARSAL_KEY: KEY },
  });
  let told = "";
  child.stderr.on("data", (piece: Buffer) => {
    told += piece.toString();
  });
  await once(child.stdout, "data");
  child.stdout.destroy();
  const [exit] = await once(child, "close");
  expect({ exit, told }).toEqual({ exit: 0, told: "" });
});

test.each([
  [["boks"], "QueryUnknown", 'did you mean "books"?'],
  [["books", "--param", "titel=x"], "QueryParameterUnknown", 'did you mean "title"?'],
  [["books", "--param", "title"], "UsageInvalid", "--help"],
  [["books", "--limit", "many"], "UsageInvalid", "--help"],
  [["books", "--format", "cvs"], "UsageInvalid", 'did you mean "csv"?'],
])("%j is refused", async (words, code, hint) => {
  const { exit, err } = await query(...words);
  expect({ exit, err }).toEqual({ exit: 2, err: expect.stringContaining(code) });
  expect(err).toContain(hint);
});

describe("a table", () => {
  const lines = async (columns: string[], rows: (string | null)[][], width?: number) => {
    const found: string[] = [];
    const typed = columns.map((name) => ({ name, type: name === "n" ? "integer" : "text" }));
    async function* each() {
      yield* rows;
    }
    for await (const line of tableLines(typed, each(), width)) found.push(line);
    return found;
  };

  test("fits the terminal by cutting what is widest, wide characters counted", async () => {
    expect(
      await lines(
        ["n", "文字"],
        [
          ["1", "漢字漢字漢字漢字漢字"],
          ["10", "short"],
        ],
        16,
      ),
    ).toEqual([" n  文字", "--  ------------", " 1  漢字漢字漢…", "10  short"]);
  });

  test("of many columns stands line by line where it cannot fit", async () => {
    const many = ["a", "b", "c", "d"].map((name) => name.repeat(20));
    expect(await lines(many, [["1", null, "3", "x".repeat(90)]], 30)).toEqual([
      "-- row 1",
      "aaaaaaaaa…  1",
      "bbbbbbbbb…  NULL",
      "ccccccccc…  3",
      `ddddddddd…  ${"x".repeat(17)}…`,
    ]);
  });

  test("of thousands of rows is written while they come, later ones cut to the widths of the first", async () => {
    const rows = Array.from({ length: 2_000 }, (_, n) => [
      String(n),
      n === 1_999 ? "longer than before" : "short",
    ]);
    const all = await lines(["n", "t"], rows, 80);
    expect([all.length, all.at(-1)]).toEqual([2_002, "19…  long…"]);
  });
});
