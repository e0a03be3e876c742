/** The error table: every code with its placeholders, and text that Markdown would take for its own. */
import { expect, test } from "vitest";
import { ERRORS } from "../../core/errors.ts";
import { type CatalogueEntry, errorTable } from "../../docs/error-table.ts";

const entry = <F>(value: {
  message: (facts: F) => string;
  hint: string | ((facts: F) => string);
  status: number;
  exit: number;
  retryable?: true;
}): CatalogueEntry => value as CatalogueEntry;

test("shows the facts as placeholders, also where a message cuts, quotes or joins them", () => {
  const page = errorTable({
    Plain: entry<{ what: string }>({
      message: (f) => `${f.what} is gone`,
      hint: "look",
      status: 404,
      exit: 2,
    }),
    Worked: entry<{ digest: string; path: string; names: string[]; more?: string }>({
      message: (f) => `${f.digest.slice(0, 3)} of ${JSON.stringify(f.path)}${f.more ? `: ${f.more}` : ""}`,
      hint: (f) => `one of ${f.names.map((name) => name.trim()).join(", ")}`,
      status: 409,
      exit: 1,
      retryable: true,
    }),
  });
  expect(page).toContain("\n| Plain | {what} is gone | look | 404 | 2 |  |\n");
  expect(page).toContain('\n| Worked | {digest} of "{path}": {more} | one of {names} | 409 | 1 | yes |\n');
});

test("shows pipes, stars and tags as they are", () => {
  const page = errorTable({
    Odd: entry({ message: () => "a | b\n*c* <d> `e`", hint: "none", status: 400, exit: 2 }),
  });
  expect(page).toContain("| a \\| b<br>\\*c\\* &lt;d> \\`e\\` |");
});

test("has a row for every code of the catalogue, and no fact that is no placeholder", () => {
  const rows = errorTable()
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(1);
  expect(rows.map((row) => row.split(" | ")[0]?.slice(2))).toEqual(Object.keys(ERRORS));
  expect(rows.filter((row) => /undefined|NaN|\[object|=>/.test(row))).toEqual([]);
});
