/** dbmate: `20240101120000_what.sql` with `-- migrate:up` and `-- migrate:down`, in the order of the files' names. */
import { RehearsalError } from "../errors.ts";
import { readSqlSource, type SqlSource } from "../sql-source.ts";
import { forPostgres, withoutDialect } from "./dialects.ts";
import { below, type Format, type FoundMigration, fileName } from "./format.ts";
import { broken, markers } from "./markers.ts";
import { leadingDigits, nextVersion } from "./stamp.ts";
import { firstMark, type Marks, upOnly } from "./up-and-down.ts";
import { compareBytes, timeNotes } from "./versions.ts";

export const dbmate: Format = {
  layout: {
    folder: "db/migrations",
    file: /^\d[^/]*\.sql$/s,
    wanted: "dbmate's migrations, named 20240101120000_what_it_does.sql",
  },
  outside: 'begins with "-- migrate:up transaction:false"',
  read(files) {
    const notes: string[] = [];
    const found = forPostgres(files, notes)
      .sort((a, b) => compareBytes(fileName(a.path), fileName(b.path)))
      .map(({ path, bytes }) => readOne(readSqlSource(path, bytes)));
    refuseTwice(found);
    return { migrations: found, repeatables: [], notes: [...notes, ...timeNotes("dbmate", found)] };
  },
  next: ({ name, folder, paths, now, sql }) => [
    {
      path: below(folder, `${nextVersion(leadingDigits(paths), now)}_${name}.sql`),
      text: `-- migrate:up\n\n${sql}\n-- migrate:down\n\n`,
    },
  ],
};

const UP = /^--\s*migrate:up(?:\s+(.*?))?\s*$/;
const DOWN = /^--\s*migrate:down(?:\s.*)?$/;
const WORDS = { up: "-- migrate:up", down: "-- migrate:down" };

function readOne(source: SqlSource): FoundMigration {
  const name = withoutDialect(fileName(source.path)).replace(/\.sql$/, "");
  const [, digits = "", words = ""] = /^(\d+)[_-]?(.*)$/s.exec(name) ?? [];
  const [up, down] = [markers(source.sql, UP), markers(source.sql, DOWN)];
  const marks: Marks = { format: "dbmate", up, down, words: WORDS };
  const mark = firstMark(source, marks);
  return {
    key: digits,
    name: words || digits,
    source: upOnly(source, marks),
    transaction: isOutside(source, mark.start, mark.match[1] ?? "") ? "none" : "one",
  };
}

function isOutside(source: SqlSource, at: number, options: string): boolean {
  let outside = false;
  for (const option of options.split(/\s+/).filter(Boolean)) {
    if (!/^transaction:(true|false)$/.test(option))
      throw broken(
        "dbmate",
        source,
        at,
        `the option "${option}" is not known`,
        "dbmate knows transaction:false and nothing else",
      );
    outside = option === "transaction:false";
  }
  return outside;
}

/** dbmate knows an applied migration by its digits alone: the second of two with the same ones would never run. */
function refuseTwice(found: readonly FoundMigration[]): void {
  const seen = new Map<string, string>();
  for (const { key, source } of found) {
    const first = seen.get(key);
    if (first !== undefined)
      throw new RehearsalError("MigrationVersionTwice", {
        format: "dbmate",
        version: key,
        first,
        second: source.path,
      });
    seen.set(key, source.path);
  }
}
