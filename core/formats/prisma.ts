/** Prisma: a folder for each migration, `20240101120000_what/migration.sql`, in the order of the folders' names. */
import { RehearsalError } from "../errors.ts";
import { readSqlSource } from "../sql-source.ts";
import { below, type Format, type FormatFile, inside } from "./format.ts";
import { stamp } from "./stamp.ts";
import { compareBytes } from "./versions.ts";

const LOCK = "migration_lock.toml";

export const prisma: Format = {
  layout: {
    folder: "prisma/migrations",
    file: /^(?:migration_lock\.toml|[^/]+\/(?:migration|down)\.sql)$/s,
    deep: true,
    wanted: "Prisma's migrations, each in 20240101120000_what_it_does/migration.sql",
  },
  outside: "holds nothing else, which Prisma runs outside a transaction",
  read(files, folder) {
    for (const file of files) if (inside(folder, file.path) === LOCK) refuseOthers(file);
    const notes: string[] = [];
    const migrations = files
      .filter(({ path }) => path.endsWith("/migration.sql"))
      .map(({ path, bytes }) => {
        const key = inside(folder, path).slice(0, -"/migration.sql".length);
        const source = readSqlSource(path, bytes);
        return { key, name: key.replace(/^\d+_/, ""), source, transaction: "alone" as const };
      })
      .sort((a, b) => compareBytes(a.key, b.key));
    for (const { path } of files)
      if (path.endsWith("/down.sql")) notes.push(`${path} is left out: it is a way back`);
    return { migrations, repeatables: [], notes };
  },
  next: ({ name, folder, now, sql }) => [
    { path: below(folder, `${stamp(now)}_${name}/migration.sql`), text: sql },
  ],
};

/** The lock names the database that the migrations were written for. */
function refuseOthers({ path, bytes }: FormatFile): void {
  const { sql } = readSqlSource(path, bytes);
  const [, provider] = /^\s*provider\s*=\s*"([^"]*)"/m.exec(sql) ?? [];
  if (provider === "postgresql" || provider === "postgres") return;
  throw new RehearsalError("SequenceBroken", {
    format: "prisma",
    path,
    line: 1,
    problem:
      provider === undefined
        ? "it names no provider"
        : `the migrations were written for "${provider}", not for Postgres`,
    mend: 'the provider has to be "postgresql"; name the folder of those migrations as "migrations" in rehearsal.yaml',
  });
}
