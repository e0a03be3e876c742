/** `rehearsal new`: the next migration in the project's format, empty but for a reminder, or with what another command has written. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RehearsalError } from "../../core/errors.ts";
import { fileName } from "../../core/formats/format.ts";
import { FORMATS } from "../../core/formats/formats.ts";
import { isMigration, layoutOf } from "../../core/project-paths.ts";
import { listProjectFiles, readConfig } from "../project-files.ts";

/** Longer names only make long paths. */
const NAME_LENGTH = 60;

/** Makes the next migration's files from words such as "add speakers", empty or with what it runs; throws `MigrationNameTaken` when another one has the name, and `NextMadeByTool`. */
export async function newMigration(
  folder: string,
  words: string,
  sql = "",
): Promise<{ path: string; paths: string[] }> {
  const name = slug(words);
  if (name === "")
    throw new RehearsalError("MigrationNameInvalid", {
      path: words,
      reason: "it has no letters or digits",
    });
  const config = readConfig(folder);
  const [{ format }, layout] = [config, layoutOf(config)];
  const paths = listProjectFiles(folder, layout).filter((path) => isMigration(path, layout));
  const taken = paths.find((path) => nameOf(path) === name);
  if (taken !== undefined) throw new RehearsalError("MigrationNameTaken", { name, path: taken });
  const { next } = FORMATS[format];
  if ("tool" in next) throw new RehearsalError("NextMadeByTool", { format, command: `${next.tool} ${name}` });
  const made = next({ name, folder: layout.folder, paths, now: new Date(), sql });
  for (const { path, text } of made) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text, { flag: "wx" });
  }
  const written = made.map(({ path }) => path);
  return { path: written[0] ?? "", paths: written };
}

/** The words of a migration's path: `add_speakers` of `0007_add_speakers.sql` and of `7_add_speakers/migration.sql`. */
function nameOf(path: string): string {
  const file = fileName(path.replace(/\/migration\.sql$/, ""));
  return file.replace(/^[VRUB]?[\d._]*[_-]+/, "").replace(/(?:\.up|\.down)?\.sql$/, "");
}

/** "Add speakers!" as `add_speakers`. */
export function slug(words: string): string {
  return words
    .normalize("NFKD")
    .toLowerCase()
    .replace(/\p{M}/gu, "")
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, NAME_LENGTH)
    .replace(/_+$/, "");
}
