/** node-pg-migrate, its SQL form: `1704110400000_what.sql` with `-- Up Migration` and `-- Down Migration`. */
import { readSqlSource, type SqlSource } from "../sql-source.ts";
import { forPostgres } from "./dialects.ts";
import { below, type Format, type FoundMigration, fileName } from "./format.ts";
import { broken, firstCode, markers } from "./markers.ts";
import { upOnly } from "./up-and-down.ts";
import { compareBytes, compareNumbers, sortVersions, spelled } from "./versions.ts";

export const nodePgMigrate: Format = {
  layout: {
    folder: "migrations",
    file: /^\d+[_-][^/]*\.sql$/s,
    wanted: "node-pg-migrate's migrations in SQL, named 1704110400000_what-it-does.sql",
  },
  outside: 'begins with "-- rehearsal: no-transaction", which node-pg-migrate passes over',
  read(files) {
    const notes: string[] = [];
    const found = forPostgres(files, notes).map(({ path, bytes }) => readOne(readSqlSource(path, bytes)));
    const migrations = sortVersions(
      "node-pg-migrate",
      found,
      (a, b) => compareNumbers(timeOf(a.key), timeOf(b.key)) || compareBytes(a.key, b.key),
    );
    return { migrations, repeatables: [], notes };
  },
  next: ({ name, folder, now, sql }) => [
    {
      path: below(folder, `${now.getTime()}_${name}.sql`),
      text: `-- Up Migration\n\n${sql}\n-- Down Migration\n\n`,
    },
  ],
};

/** 17 digits are a date in UTC; every other number stands for itself. */
function timeOf(key: string): string {
  const digits = /^\d+/.exec(key)?.[0] ?? "0";
  const found = spelled(digits);
  return digits.length === 17 && "moment" in found ? String(found.moment) : digits;
}

const WORDS = { up: "-- Up Migration", down: "-- Down Migration" };

function readOne(source: SqlSource): FoundMigration {
  const key = fileName(source.path).replace(/\.sql$/, "");
  const up = markers(source.sql, /^--[\s-]*up\s+migration/i);
  const start = firstCode(source.sql);
  if (up[0] !== undefined && start !== undefined && start < up[0].start)
    throw broken(
      "node-pg-migrate",
      source,
      start,
      `what stands before "${WORDS.up}" would never run`,
      "move it below the mark",
    );
  return {
    key,
    name: key.replace(/^\d+[_-]/, ""),
    source: upOnly(source, {
      format: "node-pg-migrate",
      up,
      down: markers(source.sql, /^--[\s-]*down\s+migration/i),
      words: WORDS,
    }),
    transaction: "one",
  };
}
