/** A project's folder on disk, read as it is: no links followed, and of a file that is too large only the beginning. */
import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
} from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
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
export function readConfig(folder: string): ProjectConfig {
  if (entryAt(folder, CONFIG_PATH) === undefined)
    throw new RehearsalError("ProjectMissing", { folder, missing: CONFIG_PATH });
  return parseConfig(readOne(folder, CONFIG_PATH));
}

/** Reads the files that belong to a release, by path; throws `ProjectMissing`, `SymlinkRefused`, or a limit's error before the bytes are in memory. */
export async function readProjectFiles(folder: string): Promise<ProjectFile[]> {
  // What else the process has begun goes on meanwhile: a connection that is being opened.
  await setImmediate();
  const paths = listProjectFiles(folder, layoutOf(readConfig(folder)));
  if (paths.length > RELEASE_FILES)
    throw new RehearsalError("TooManyFiles", { count: paths.length, limit: RELEASE_FILES });
  const files: ProjectFile[] = [];
  let size = 0;
  for (const [place, path] of paths.entries()) {
    if (place % AT_ONCE === 0) await setImmediate();
    const file = { path, bytes: readOne(folder, path) };
    size += file.bytes.length;
    if (size > RELEASE_BYTES) throw new RehearsalError("ReleaseTooLarge", { size, limit: RELEASE_BYTES });
    files.push(file);
  }
  return files;
}

/** Files that are read without letting anything else have its turn: a fraction of a millisecond. */
const AT_ONCE = 16;

/** The paths of the release's files in a folder, sorted; whatever else the repository holds is passed over. */
export function listProjectFiles(folder: string, layout: ProjectLayout): string[] {
  const paths: string[] = [];
  for (const path of TOP_FILES) if (entryAt(folder, path) !== undefined) paths.push(path);
  for (const name of [...Object.keys(FOLDERS), ...ownPlaces(layout)]) {
    const entry = entryAt(folder, name);
    if (entry?.isDirectory()) paths.push(...listFolder(folder, name, layout));
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

function listFolder(folder: string, path: string, layout: ProjectLayout): string[] {
  const entries = readdirSync(join(folder, path), { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    const child = `${path}/${entry.name}`;
    if (!isPart(child, layout)) continue;
    if (entry.isSymbolicLink()) throw linkRefused(folder, child);
    if (entry.isDirectory() && isDeep(child, layout)) found.push(...listFolder(folder, child, layout));
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
function entryAt(folder: string, path: string) {
  const entry = lookAt(join(folder, path));
  if (entry?.isSymbolicLink()) throw linkRefused(folder, path);
  return entry;
}

function lookAt(path: string) {
  // Not by promises, here and below: each would go to another thread and back, which takes longer than what it does there.
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return orMissing(error);
  }
}

/** Most files fit in here: their size need not be asked for first. */
const ROOM = Buffer.allocUnsafe(64 * 1024);

/** O_NOFOLLOW closes the moment between looking and opening, in which a file could become a link. */
function readOne(folder: string, path: string): Uint8Array {
  const file = openSync(join(folder, path), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    let length = 0;
    for (let read = -1; read !== 0 && length < ROOM.length; length += read)
      read = readSync(file, ROOM, length, ROOM.length - length, null);
    const beginning = Uint8Array.from(ROOM.subarray(0, length));
    if (length < ROOM.length) return beginning;
    const { size } = fstatSync(file);
    if (size > FILE_BYTES) throw new RehearsalError("FileTooLarge", { path, size, limit: FILE_BYTES });
    return Buffer.concat([beginning, readFileSync(file)]);
  } finally {
    closeSync(file);
  }
}

function linkRefused(folder: string, path: string): RehearsalError {
  return new RehearsalError("SymlinkRefused", { path, target: readlinkSync(join(folder, path)) });
}

function notAFile(path: string, entry: Dirent): RehearsalError {
  return new RehearsalError("PathRefused", {
    path,
    reason: entry.isDirectory() ? "a folder cannot stand here" : "it is not a regular file",
  });
}
