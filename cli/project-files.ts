/** A project's folder on disk, read as it is: no links followed, nothing read before its size is known. */
import { closeSync, constants, type Dirent, fstatSync, openSync, readFileSync } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { RehearsalError } from "../core/errors.ts";
import { below } from "../core/formats/format.ts";
import { orMissing } from "../core/missing.ts";
import type { ProjectFile } from "../core/project.ts";
import { CONFIG_PATH, type ProjectConfig, parseConfig } from "../core/project-config.ts";
import {
  FOLDERS,
  isMigration,
  isPart,
  layoutOf,
  type ProjectLayout,
  TOP_FILES,
} from "../core/project-paths.ts";
import { FILE_BYTES, RELEASE_BYTES, RELEASE_FILES } from "../core/release-limits.ts";

/** The folder's rehearsal.yaml; throws `ProjectMissing` and `ConfigInvalid`. */
export async function readConfig(folder: string): Promise<ProjectConfig> {
  if ((await entryAt(folder, CONFIG_PATH)) === undefined)
    throw new RehearsalError("ProjectMissing", { folder, missing: CONFIG_PATH });
  return parseConfig(readOne(folder, CONFIG_PATH));
}

/** Reads the files that belong to a release, by path; throws `ProjectMissing`, `SymlinkRefused`, or a limit's error before the bytes are in memory. */
export async function readProjectFiles(folder: string): Promise<ProjectFile[]> {
  const paths = await listProjectFiles(folder, layoutOf(await readConfig(folder)));
  if (paths.length > RELEASE_FILES)
    throw new RehearsalError("TooManyFiles", { count: paths.length, limit: RELEASE_FILES });
  const files: ProjectFile[] = [];
  let size = 0;
  for (const path of paths) {
    const file = { path, bytes: readOne(folder, path) };
    size += file.bytes.length;
    if (size > RELEASE_BYTES) throw new RehearsalError("ReleaseTooLarge", { size, limit: RELEASE_BYTES });
    files.push(file);
  }
  return files;
}

/** The paths of the release's files in a folder, sorted; whatever else the repository holds is passed over. */
export async function listProjectFiles(folder: string, layout: ProjectLayout): Promise<string[]> {
  const paths: string[] = [];
  for (const path of TOP_FILES) if ((await entryAt(folder, path)) !== undefined) paths.push(path);
  for (const name of [...Object.keys(FOLDERS), ...ownPlaces(layout)]) {
    const entry = await entryAt(folder, name);
    if (entry?.isDirectory()) paths.push(...(await listFolder(folder, name, layout)));
    else if (entry?.isFile() && layout.rules.entries !== undefined) paths.push(name);
    else if (entry !== undefined)
      throw new RehearsalError("PathRefused", { path: name, reason: "it is not a folder" });
  }
  return paths.sort();
}

/** Where the migrations stand: their folder, or what of it is theirs. */
function ownPlaces({ folder, rules }: ProjectLayout): string[] {
  return rules.entries?.map((entry) => below(folder, entry)) ?? [folder];
}

async function listFolder(folder: string, path: string, layout: ProjectLayout): Promise<string[]> {
  const entries = await readdir(join(folder, path), { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    const child = `${path}/${entry.name}`;
    if (!isPart(child, layout)) continue;
    if (entry.isSymbolicLink()) throw await linkRefused(folder, child);
    if (entry.isDirectory() && isDeep(child, layout))
      found.push(...(await listFolder(folder, child, layout)));
    else if (entry.isFile()) found.push(child);
    else throw notAFile(child, entry);
  }
  return found;
}

function isDeep(path: string, layout: ProjectLayout): boolean {
  const rules = isMigration(path, layout) ? layout.rules : FOLDERS[path.split("/")[0] ?? ""];
  return rules?.deep === true;
}

/** What stands at a path, undefined when nothing does; throws `SymlinkRefused` for a link. */
async function entryAt(folder: string, path: string) {
  const entry = await lstat(join(folder, path)).catch(orMissing);
  if (entry?.isSymbolicLink()) throw await linkRefused(folder, path);
  return entry;
}

/** O_NOFOLLOW closes the moment between looking and opening, in which a file could become a link. */
function readOne(folder: string, path: string): Uint8Array {
  // Not by promises: each would go to another thread and back, four times a file, which takes longer than reading it.
  const file = openSync(join(folder, path), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    const { size } = fstatSync(file);
    if (size > FILE_BYTES) throw new RehearsalError("FileTooLarge", { path, size, limit: FILE_BYTES });
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

async function linkRefused(folder: string, path: string): Promise<RehearsalError> {
  return new RehearsalError("SymlinkRefused", { path, target: await readlink(join(folder, path)) });
}

function notAFile(path: string, entry: Dirent): RehearsalError {
  return new RehearsalError("PathRefused", {
    path,
    reason: entry.isDirectory() ? "a folder cannot stand here" : "it is not a regular file",
  });
}
