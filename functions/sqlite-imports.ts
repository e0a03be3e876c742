/** Mappings of imports from SQLite, as the release has them that an environment runs. */
import { RehearsalError } from "../core/errors.ts";
import { parseImportFile } from "../core/import/import-file.ts";
import type { SqliteMapping } from "../core/import/sqlite-mapping.ts";
import { readBundle } from "../core/release.ts";
import type { Environment } from "../io/ledger/environments.ts";
import { releaseKey } from "../io/ledger/releases.ts";
import type { ObjectStore } from "../io/object-store.ts";

/** Every mapping of a release's bundle that is from SQLite, by name; nothing else of it is understood. */
export async function readSqliteMappings(store: ObjectStore, release: string): Promise<SqliteMapping[]> {
  const { files } = readBundle(await store.get(releaseKey(release)), release);
  return files
    .filter(({ path }) => /^imports\/[^/]+\.yaml$/.test(path))
    .map(({ path, bytes }) => parseImportFile(path, bytes))
    .filter((mapping) => mapping.from === "sqlite");
}

/**
 * The mapping of that name, or the only one, and the whole hash of the release that has it. Throws `ImportReleaseMissing` and
 * `ImportUnknown`.
 */
export async function findSqliteMapping(
  store: ObjectStore,
  { name: environment, release }: Pick<Environment, "name" | "release">,
  name: string | undefined,
): Promise<{ release: string; mapping: SqliteMapping }> {
  if (release === null) throw new RehearsalError("ImportReleaseMissing", { environment });
  const mappings = await readSqliteMappings(store, release);
  const only = mappings.length === 1 ? mappings[0] : undefined;
  const mapping = name === undefined ? only : mappings.find((one) => one.name === name);
  if (mapping === undefined)
    throw new RehearsalError("ImportUnknown", {
      import: name ?? "",
      release,
      known:
        mappings.length === 0
          ? "a mapping is a file imports/NAME.yaml that begins with: from: sqlite"
          : `say which with --import: ${mappings.map((one) => one.name).join(", ")}`,
    });
  return { release, mapping };
}
