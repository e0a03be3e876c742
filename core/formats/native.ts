/** Rehearsal's own format: `0001_what_it_does.sql`, numbered without gaps. */
import { RehearsalError } from "../errors.ts";
import { numberText, parseMigrationName } from "../migration-name.ts";
import { readSqlSource } from "../sql-source.ts";
import { squashedIn } from "../squash.ts";
import { below, type Format, inside } from "./format.ts";

export const native: Format = {
  layout: {
    folder: "migrations",
    file: /^\d[^/]*\.sql$/s,
    wanted: "migrations named NNNN_what_it_does.sql",
  },
  outside: 'begins with "-- rehearsal: no-transaction"',
  read(files) {
    const found = files.map(({ path, bytes }) => ({
      ...parseMigrationName(path),
      ...{ path, source: readSqlSource(path, bytes) },
    }));
    found.sort((a, b) => a.version - b.version);
    for (const [index, { version, path, source }] of found.entries()) {
      const before = found[index - 1];
      if (before?.version === version)
        throw new RehearsalError("MigrationNumberTwice", { version, first: before.path, second: path });
      const wanted = (before?.version ?? 0) + 1;
      // A squash has the last number of those it stands for.
      const first = version - Math.max(0, squashedIn(source.sql).length - 1);
      if (first !== wanted)
        throw new RehearsalError("MigrationNumberMissing", {
          missing: wanted,
          after: before === undefined ? "the beginning" : numberText(before.version),
          found: path,
        });
    }
    const migrations = found.map(({ version, name, source }) => ({
      key: numberText(version),
      name,
      source,
      transaction: "one" as const,
    }));
    return { migrations, repeatables: [], notes: [] };
  },
  next({ name, folder, paths, sql }) {
    const versions = paths.map((path) => parseMigrationName(inside(folder, path)).version);
    const file = `${numberText(Math.max(0, ...versions) + 1)}_${name}.sql`;
    return [{ path: below(folder, file), text: sql || TEMPLATE }];
  },
};

const TEMPLATE = `-- Applied once and never edited afterwards. It runs in one transaction with the other pending migrations,
-- unless its top says no-transaction; say idempotent when running it twice changes nothing.

`;
