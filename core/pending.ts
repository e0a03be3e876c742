/** Which migrations of a release are still to run, after what was applied is proved to be what the release holds. */
import { RehearsalError } from "./errors.ts";
import type { Migration } from "./migration.ts";
import { numberText } from "./migration-name.ts";

/** A migration as the target database records it. */
export interface AppliedMigration {
  version: number;
  path: string;
  sha256: string;
}

type Known = Pick<Migration, "version" | "path" | "sha256">;

/** The migrations not applied yet, by number; throws `AppliedFilesDiffer` with the differences between record and release. */
export function pendingMigrations<M extends Known>(
  migrations: readonly M[],
  applied: readonly AppliedMigration[],
): M[] {
  const differences = [...new Set(applied.flatMap((one) => differenceOf(one, migrations)))];
  const last = Math.max(0, ...applied.map((one) => one.version));
  const done = new Set(applied.map((one) => one.version));
  const pending = migrations.filter((migration) => !done.has(migration.version));
  for (const { version, path } of pending)
    if (version < last)
      differences.push(`${path} was never applied, though ${numberText(last)}, which comes after it, was`);
  if (differences.length > 0)
    throw new RehearsalError("AppliedFilesDiffer", { differences: told(differences) });
  return pending.sort((a, b) => a.version - b.version);
}

/** More than these nobody reads; the number of the others still tells how bad it is. */
const TOLD = 20;

function told(differences: readonly string[]): string {
  const more = differences.length - TOLD;
  return differences.slice(0, TOLD).join("; ") + (more > 0 ? `; and ${more} more` : "");
}

function differenceOf(applied: AppliedMigration, migrations: readonly Known[]): string[] {
  const same = migrations.find((migration) => migration.version === applied.version);
  if (same?.path === applied.path && same.sha256 === applied.sha256) return [];
  const moved = migrations.find((migration) => migration.sha256 === applied.sha256);
  if (moved !== undefined && moved.version !== applied.version)
    return [`${applied.path} was applied, and now is ${moved.path}: it was reordered`];
  if (same === undefined) return [`${applied.path} was applied, and is removed`];
  if (same.path !== applied.path && same.sha256 === applied.sha256)
    return [`${applied.path} was applied, and is renamed to ${same.path}`];
  if (same.path !== applied.path)
    return [`${applied.path} was applied, and ${same.path} stands in its place with other content`];
  return [
    `${applied.path} was edited after it was applied: sha256 ${applied.sha256.slice(0, 12)} was applied, ${same.sha256.slice(0, 12)} is in the release`,
  ];
}
