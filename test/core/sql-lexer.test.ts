import fc from "fast-check";
import { loadModule, scanSync } from "libpg-query";
import { beforeAll, expect, test } from "vitest";
import { lexemes } from "../../core/sql-lexer.ts";

beforeAll(() => loadModule());

/** The real scanner's view of a text: its strings, comments and names, each with its exact source; undefined when it refuses the text. */
function scanned(sql: string) {
  const bytes = Buffer.from(sql);
  let tokens: ReturnType<typeof scanSync>["tokens"];
  try {
    tokens = scanSync(sql).tokens;
  } catch {
    return undefined;
  }
  return tokens.flatMap((token) => {
    const text = bytes.toString("utf8", token.start, token.end);
    if (/^(SQL|C)_COMMENT$/.test(token.tokenName)) return [{ kind: "comment", text }];
    if (/^['$]|^[eEbBxXuUnN]&?'/.test(text) && !/^\$\d/.test(text)) return [{ kind: "string", text }];
    return /^["A-Za-z_\u0080-\uffff]/.test(text) ? [{ kind: "name", text }] : [];
  });
}

const lexed = (sql: string) =>
  [...lexemes(sql)].filter(({ kind }) => kind !== "other").map(({ kind, text }) => ({ kind, text }));

const piece = fc.constantFrom(
  "select",
  "é日本",
  "a$b$",
  "$1",
  "$$ 'x -- $$",
  "$q$ $$ ' $q$",
  "$ü$x$ü$",
  "'it''s'",
  "'\\'",
  "''",
  "E'\\' -- x'",
  "e'a''b\\\\'",
  "U&'\\00e9'",
  'U&"d\\0061t"',
  '"a""b;"',
  '"--"',
  "B'01'",
  "x'ff'",
  "-- c 'x\n",
  "--\r\n",
  "/* a /* ' */ -- */",
  "12",
  "1.5e3",
  "x.y",
  "::",
  "->>",
  ";",
  "(",
  "'a'\n 'b'",
  "E'a'\n'\\' b'",
);
const gap = fc.constantFrom(" ", "\n", "\t", "\r\n", " \n ");

test("the lexer sees the strings, comments and names that Postgres' own scanner sees", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(piece, gap), { minLength: 1, maxLength: 15 }), (parts) => {
      const sql = parts.flat().join("");
      const wanted = scanned(sql);
      fc.pre(wanted !== undefined);
      expect(lexed(sql)).toEqual(wanted);
    }),
    { numRuns: 2_000 },
  );
});

test("a text of 16 MiB is read without running out of stack", () => {
  const sql = `select '${"x''".repeat(2_000_000)}', $$${"y".repeat(8_000_000)}$$ /*${" ".repeat(1_000_000)}*/ as z`;
  expect([...lexemes(sql)].map(({ kind }) => kind)).toEqual([
    "name",
    "string",
    "other",
    "string",
    "comment",
    "name",
    "name",
  ]);
});
