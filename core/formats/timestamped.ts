/** A plain folder: `20240101120000_what.sql` or `17-what.sql`, by the moment or the number that the digits spell. */
import { readSqlSource } from "../sql-source.ts";
import { forPostgres, withoutDialect } from "./dialects.ts";
import { below, type Format, type FormatFile, type FoundMigration, fileName } from "./format.ts";
import { leadingDigits, nextVersion } from "./stamp.ts";
import { compareSpelled, sortVersions } from "./versions.ts";

export const timestamped: Format = {
  layout: {
    folder: "migrations",
    file: /^\d+[_-][^/]*\.sql$/s,
    wanted: "migrations named 20240101120000_what_it_does.sql",
  },
  outside: 'begins with "-- rehearsal: no-transaction"',
  read(files) {
    const notes: string[] = [];
    const ours = forPostgres(files, notes);
    for (const { path } of ours.filter(isDown)) notes.push(`${path} is left out: it is a way back`);
    const found = ours.filter((file) => !isDown(file)).map(readOne);
    const migrations = sortVersions("timestamped", found, (a, b) => compareSpelled(a.key, b.key));
    return { migrations, repeatables: [], notes };
  },
  next: ({ name, folder, paths, now, sql }) => [
    { path: below(folder, `${nextVersion(leadingDigits(paths), now)}_${name}.sql`), text: sql },
  ],
};

function isDown({ path }: FormatFile): boolean {
  return /\.down\.sql$/.test(withoutDialect(path));
}

function readOne({ path, bytes }: FormatFile): FoundMigration {
  const name = withoutDialect(fileName(path)).replace(/(?:\.up)?\.sql$/, "");
  const [, digits = "", words = ""] = /^(\d+)[_-](.*)$/s.exec(name) ?? [];
  return { key: digits, name: words, source: readSqlSource(path, bytes), transaction: "alone" };
}
