/** Which migrations of a release are still to run, after what was applied is proved to be the beginning of what the release holds. */
import { RehearsalError } from "./errors.ts";
import type { Migration } from "./migration.ts";
import { acceptSquashes, type Squashed } from "./squash.ts";

/** A migration as the target database records it. */
export interface AppliedMigration {
  /** Its place in the sequence when it was applied. */
  version: number;
  path: string;
  sha256: string;
}

type Known = Pick<Migration, "version" | "path" | "sha256"> & { squashes?: readonly Squashed[] };

/** The migrations not applied yet, in order; throws `AppliedFilesDiffer` with the differences between record and release. */
export function pendingMigrations<M extends Known>(
  migrations: readonly M[],
  record: readonly AppliedMigration[],
): M[] {
  const { applied, differences: partly } = acceptSquashes(migrations, record);
  const sequence = [...migrations].sort((a, b) => a.version - b.version);
  const differences = [
    ...partly,
    ...differencesOf(
      sequence,
      [...applied].sort((a, b) => a.version - b.version),
    ),
  ];
  if (differences.length > 0)
    throw new RehearsalError("AppliedFilesDiffer", { differences: told(differences) });
  const done = new Set(applied.map(({ path }) => path));
  return sequence.filter(({ path }) => !done.has(path));
}

/** More than these nobody reads; the number of the others still tells how bad it is. */
const TOLD = 20;

function told(differences: readonly string[]): string {
  const more = differences.length - TOLD;
  return differences.slice(0, TOLD).join("; ") + (more > 0 ? `; and ${more} more` : "");
}

function differencesOf(sequence: readonly Known[], applied: readonly AppliedMigration[]): string[] {
  const byPath = new Map(sequence.map((file) => [file.path, file]));
  const done = new Set(applied.map(({ path }) => path));
  const fresh = sequence.filter(({ path }) => !done.has(path));
  const byContent = new Map(fresh.map((file) => [file.sha256, file]));
  const byPlace = new Map(fresh.map((file) => [file.version, file]));
  const differences: string[] = [];
  const explained = new Set<string>();
  let last: Known | undefined;
  for (const one of applied) {
    const same = byPath.get(one.path);
    if (same !== undefined) {
      if (same.sha256 !== one.sha256) differences.push(edited(one, same));
      if (last !== undefined && same.version < last.version)
        differences.push(`${one.path} was applied after ${last.path}, and now stands before it`);
      else last = same;
      continue;
    }
    const moved = byContent.get(one.sha256);
    const stands = moved ?? byPlace.get(one.version);
    if (stands !== undefined) explained.add(stands.path);
    differences.push(`${one.path} was applied, and ${whereItWent(one, moved, stands)}`);
  }
  for (const { path, version } of fresh)
    if (last !== undefined && version < last.version && !explained.has(path))
      differences.push(`${path} was never applied, though ${last.path}, which comes after it, was`);
  return differences;
}

/** What became of a file that is no longer there under its path. */
function whereItWent(one: AppliedMigration, moved: Known | undefined, stands: Known | undefined): string {
  if (moved !== undefined && moved.version !== one.version) return `now is ${moved.path}: it was reordered`;
  if (moved !== undefined) return `is renamed to ${moved.path}`;
  if (stands !== undefined) return `${stands.path} stands in its place with other content`;
  return "is removed";
}

function edited({ path, sha256 }: AppliedMigration, now: Known): string {
  return `${path} was edited after it was applied: sha256 ${sha256.slice(0, 12)} was applied, ${now.sha256.slice(0, 12)} is in the release`;
}
