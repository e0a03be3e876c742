/** A release's bundle: a canonical manifest, then the files, addressed by the manifest's hash. The same files make the same bytes on every machine. */
import * as z from "zod";
import { canonicalJson } from "./canonical-json.ts";
import { sha256 } from "./digest.ts";
import { RehearsalError } from "./errors.ts";
import { checkSizes, type ProjectFile } from "./project.ts";
import { CONFIG_PATH, type ProjectConfig, parseConfig } from "./project-config.ts";
import { checkPaths, checkSafePaths, layoutOf } from "./project-paths.ts";
import { manifestSchema, type ReleaseManifest } from "./release-manifest.ts";

export interface Bundle {
  /** sha256 of the manifest's canonical JSON: the release's name everywhere. */
  hash: string;
  manifest: ReleaseManifest;
  bytes: Uint8Array;
}

/** Builds the bundle of a project's files, in whatever order they come; throws when they cannot make a release. */
export function buildBundle(files: readonly ProjectFile[]): Bundle {
  checkSizes(files);
  const paths = files.map((file) => file.path);
  checkSafePaths(paths);
  const config = configOf(files);
  checkPaths(paths, layoutOf(config));
  const sorted = [...files].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  const manifest: ReleaseManifest = {
    format: "rehearsal-release/1",
    project: config.project,
    files: sorted.map(({ path, bytes }) => ({ path, size: bytes.length, sha256: sha256(bytes) })),
  };
  const head = canonicalJson(manifest);
  const bytes = Buffer.concat([Buffer.from(`${head}\n`), ...sorted.map((file) => file.bytes)]);
  return { hash: sha256(head), manifest, bytes };
}

/** Reads a bundle and proves it: manifest canonical, every size and hash true, nothing left over. Throws `BundleInvalid`, or `ReleaseMismatch` when it is a sound bundle of another release. */
export function readBundle(
  bytes: Uint8Array,
  expectedHash?: string,
): { hash: string; manifest: ReleaseManifest; files: ProjectFile[] } {
  const end = bytes.indexOf(10);
  if (end < 0) throw invalid("it has no manifest");
  const manifest = readManifest(bytes.subarray(0, end));
  const hash = sha256(bytes.subarray(0, end));
  if (expectedHash !== undefined && hash !== expectedHash)
    throw new RehearsalError("ReleaseMismatch", { expected: expectedHash, actual: hash });
  const files: ProjectFile[] = [];
  let at = end + 1;
  for (const { path, size, sha256: promised } of manifest.files) {
    const content = bytes.subarray(at, at + size);
    if (content.length !== size) throw invalid(`it ends inside ${JSON.stringify(path)}`);
    if (sha256(content) !== promised) throw invalid(`${JSON.stringify(path)} is not what its hash says`);
    files.push({ path, bytes: content });
    at += size;
  }
  if (at !== bytes.length) throw invalid(`${bytes.length - at} bytes follow the last file`);
  checkSizes(files);
  const config = configOf(files);
  checkPaths(
    files.map((file) => file.path),
    layoutOf(config),
  );
  if (config.project !== manifest.project)
    throw invalid(`its manifest says project "${manifest.project}", its ${CONFIG_PATH} another`);
  return { hash, manifest, files };
}

function readManifest(bytes: Uint8Array): ReleaseManifest {
  let value: unknown;
  const text = Buffer.from(bytes).toString("utf8");
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid("its manifest is not JSON");
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) throw invalid(`its manifest: ${z.prettifyError(parsed.error)}`);
  // One manifest has one spelling, so that one release has one hash: no spaces, no doubled or reordered keys.
  if (canonicalJson(parsed.data) !== text) throw invalid("its manifest is not canonical JSON");
  const paths = parsed.data.files.map((file) => file.path);
  checkSafePaths(paths);
  const unsorted = paths.findIndex((path, index) => index > 0 && !isBefore(paths[index - 1] ?? "", path));
  if (unsorted >= 0) throw invalid(`its files are not in order at ${JSON.stringify(paths[unsorted])}`);
  return parsed.data;
}

function configOf(files: readonly ProjectFile[]): ProjectConfig {
  const config = files.find((file) => file.path === CONFIG_PATH);
  if (config === undefined) throw new RehearsalError("ProjectMissing", { folder: ".", missing: CONFIG_PATH });
  return parseConfig(config.bytes);
}

function isBefore(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}

function invalid(reason: string): RehearsalError {
  return new RehearsalError("BundleInvalid", { reason });
}
