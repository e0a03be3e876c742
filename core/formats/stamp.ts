/** The version of a next migration: the moment as tools write it, or the next number where the folder counts. */
import { compareNumbers } from "./versions.ts";

/** 20240101120000, in UTC. */
export function stamp(now: Date): string {
  return now.toISOString().replace(/\D/g, "").slice(0, 14);
}

/** Shorter than any date: such digits count. */
const COUNTED = 8;

/** The digits after those that are there, as wide as the last of them; a moment where they are moments, or none is there. */
export function nextVersion(digits: readonly string[], now: Date): string {
  const last = [...digits].sort(compareNumbers).at(-1);
  if (last === undefined || last.length >= COUNTED) return stamp(now);
  return String(Number(last) + 1).padStart(last.length, "0");
}

/** The digits with which the files' names begin. */
export function leadingDigits(paths: readonly string[]): string[] {
  return paths.flatMap((path) => /(?:^|\/)(\d+)[^/]*$/s.exec(path)?.[1] ?? []);
}
