/** golang-migrate: `1_what.up.sql` beside `1_what.down.sql`, by number. */
import { readSqlSource } from "../sql-source.ts";
import { forPostgres, withoutDialect } from "./dialects.ts";
import { below, type Format, type FormatFile, type FoundMigration, fileName } from "./format.ts";
import { leadingDigits, nextVersion } from "./stamp.ts";
import { compareNumbers, plainNumber, sortVersions, timeNotes } from "./versions.ts";

export const golangMigrate: Format = {
  layout: {
    folder: "migrations",
    file: /^\d+_[^/]*\.(?:up|down)(?:\.\w+)?\.sql$/s,
    wanted: "golang-migrate's migrations, named 1_what_it_does.up.sql and .down.sql",
  },
  outside: "holds nothing else, which golang-migrate runs outside a transaction",
  read(files) {
    const notes: string[] = [];
    const ours = forPostgres(files, notes);
    const found = ours.filter(({ path }) => !isDown(path)).map(readOne);
    const migrations = sortVersions("golang-migrate", found, (a, b) => compareNumbers(a.key, b.key));
    const known = new Set(migrations.map(({ key }) => key));
    for (const { path } of ours)
      if (isDown(path) && !known.has(keyOf(path)))
        notes.push(`${path} is a way back with no way there: nothing is run for it`);
    return { migrations, repeatables: [], notes: [...notes, ...timeNotes("golang-migrate", migrations)] };
  },
  next: ({ name, folder, paths, now, sql }) =>
    ["up", "down"].map((way) => ({
      path: below(folder, `${nextVersion(leadingDigits(paths), now)}_${name}.${way}.sql`),
      text: way === "up" ? sql : "",
    })),
};

function isDown(path: string): boolean {
  return /\.down\.sql$/.test(withoutDialect(path));
}

function keyOf(path: string): string {
  return plainNumber(/^\d+/.exec(fileName(path))?.[0] ?? "");
}

function readOne({ path, bytes }: FormatFile): FoundMigration {
  return {
    key: keyOf(path),
    name: withoutDialect(fileName(path)).replace(/^\d+_|\.up\.sql$/g, ""),
    source: readSqlSource(path, bytes),
    transaction: "alone",
  };
}
