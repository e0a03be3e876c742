/** goose, its SQL form: `00001_what.sql` with `-- +goose Up` and `-- +goose Down`, by number. */
import { readSqlSource, type SqlSource } from "../sql-source.ts";
import { forPostgres, withoutDialect } from "./dialects.ts";
import { below, type Format, type FoundMigration, fileName } from "./format.ts";
import { broken, type Marker, markers } from "./markers.ts";
import { leadingDigits, nextVersion } from "./stamp.ts";
import { firstMark, type Marks, upOnly } from "./up-and-down.ts";
import { compareNumbers, plainNumber, sortVersions, timeNotes } from "./versions.ts";

export const goose: Format = {
  layout: {
    folder: "migrations",
    file: /^\d+_[^/]*\.sql$/s,
    wanted: "goose's migrations in SQL, named 00001_what_it_does.sql",
  },
  outside: 'says "-- +goose NO TRANSACTION"',
  read(files) {
    const notes: string[] = [];
    const found = forPostgres(files, notes).map(({ path, bytes }) => readOne(readSqlSource(path, bytes)));
    const migrations = sortVersions("goose", found, (a, b) => compareNumbers(a.key, b.key));
    return { migrations, repeatables: [], notes: [...notes, ...timeNotes("goose", migrations)] };
  },
  next: ({ name, folder, paths, now, sql }) => [
    {
      path: below(folder, `${nextVersion(leadingDigits(paths), now)}_${name}.sql`),
      // goose cuts a file at its semicolons, also at those inside of functions.
      text: `-- +goose Up\n\n${sql && `-- +goose StatementBegin\n${sql}-- +goose StatementEnd\n`}\n-- +goose Down\n\n`,
    },
  ],
};

const MARK = /^--\s*\+goose\s+(.*?)\s*$/i;
const WORDS = { up: "-- +goose Up", down: "-- +goose Down" };
const KNOWN = ["up", "down", "statementbegin", "statementend", "no transaction", "envsub on", "envsub off"];

function readOne(source: SqlSource): FoundMigration {
  const name = withoutDialect(fileName(source.path)).replace(/\.sql$/, "");
  const [, digits = "", words = ""] = /^(\d+)_(.*)$/s.exec(name) ?? [];
  const marks = markers(source.sql, MARK);
  const named = (word: string) => marks.filter(({ match }) => match[1]?.toLowerCase() === word);
  refuseUnknown(source, marks);
  const parted: Marks = { format: "goose", up: named("up"), down: named("down"), words: WORDS };
  firstMark(source, parted);
  return {
    key: plainNumber(digits),
    name: words,
    source: upOnly(source, parted),
    transaction: named("no transaction").length > 0 ? "none" : "one",
  };
}

function refuseUnknown(source: SqlSource, marks: readonly Marker[]): void {
  let open: Marker | undefined;
  const refuse = (mark: Marker, problem: string, mend: string) =>
    broken("goose", source, mark.start, problem, mend);
  for (const mark of marks) {
    const word = mark.match[1]?.toLowerCase() ?? "";
    if (!KNOWN.includes(word))
      throw refuse(
        mark,
        `"-- +goose ${mark.match[1]}" is not known`,
        "goose knows Up, Down, StatementBegin, StatementEnd and NO TRANSACTION",
      );
    if (word === "envsub on")
      throw refuse(
        mark,
        "it takes values from the environment",
        "write the values out: what runs in the rehearsal must be what runs in production",
      );
    if (word === "statementbegin" && open !== undefined)
      throw refuse(mark, "StatementBegin stands inside another one", "end the first with StatementEnd");
    if (word === "statementend" && open === undefined)
      throw refuse(mark, "StatementEnd has no StatementBegin", "begin it with StatementBegin");
    if (word === "statementbegin") open = mark;
    if (word === "statementend") open = undefined;
  }
  if (open !== undefined)
    throw refuse(open, "StatementBegin has no StatementEnd", 'end it with "-- +goose StatementEnd"');
}
