/** `rehearsal new`: the next numbered migration, empty but for a reminder. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RehearsalError } from "../../core/errors.ts";
import { migrationPath, parseMigrationName } from "../../core/migration-name.ts";
import { CONFIG_PATH } from "../../core/project-config.ts";
import { listProjectFiles } from "../project-files.ts";

/** Longer names only make long paths. */
const NAME_LENGTH = 60;

/** Makes `migrations/NNNN_NAME.sql` from words such as "add speakers"; throws `MigrationNameTaken` when another one has the name. */
export async function newMigration(
  folder: string,
  words: string,
): Promise<{ path: string; version: number }> {
  const name = slug(words);
  if (name === "")
    throw new RehearsalError("MigrationNameInvalid", {
      path: words,
      reason: "it has no letters or digits",
    });
  const paths = await listProjectFiles(folder);
  if (!paths.includes(CONFIG_PATH))
    throw new RehearsalError("ProjectMissing", { folder, missing: CONFIG_PATH });
  const known = paths
    .filter((path) => path.startsWith("migrations/"))
    .map((path) => ({ path, ...parseMigrationName(path) }));
  const taken = known.find((migration) => migration.name === name);
  if (taken !== undefined) throw new RehearsalError("MigrationNameTaken", { name, path: taken.path });
  const version = Math.max(0, ...known.map((migration) => migration.version)) + 1;
  const path = migrationPath({ version, name });
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), TEMPLATE, { flag: "wx" });
  return { path, version };
}

/** "Add speakers!" as `add_speakers`. */
function slug(words: string): string {
  return words
    .normalize("NFKD")
    .toLowerCase()
    .replace(/\p{M}/gu, "")
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, NAME_LENGTH)
    .replace(/_+$/, "");
}

const TEMPLATE = `-- Applied once and never edited afterwards. It runs in one transaction with the other pending migrations,
-- unless its top says no-transaction; say idempotent when running it twice changes nothing.

`;
