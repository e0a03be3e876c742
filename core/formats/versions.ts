/** The order of versions: by their numbers, however long, or by the moment that their digits spell. */
import { RehearsalError } from "../errors.ts";
import type { FormatName, FoundMigration } from "./format.ts";

/** Digits without leading zeros: "0007" as "7". */
export function plainNumber(digits: string): string {
  return digits.replace(/^0+(?=\d)/, "");
}

/** Compares digits as numbers; they may be longer than a number can be. */
export function compareNumbers(a: string, b: string): number {
  const [one, other] = [plainNumber(a), plainNumber(b)];
  return one.length - other.length || (one < other ? -1 : one > other ? 1 : 0);
}

/** Compares the bytes of two names. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Sorts; throws `MigrationVersionTwice` for two that are one version, however they are written. */
export function sortVersions<M extends FoundMigration>(
  format: FormatName,
  found: readonly M[],
  compare: (a: FoundMigration, b: FoundMigration) => number,
): M[] {
  const sorted = [...found].sort(compare);
  for (const [index, one] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before !== undefined && compare(before, one) === 0)
      throw new RehearsalError("MigrationVersionTwice", {
        format,
        version: one.key,
        first: before.source.path,
        second: one.source.path,
      });
  }
  return sorted;
}

/**
 * What the digits of a file's name spell: a moment in milliseconds since 1970 (8, 12, 14 or 17 digits are a date in UTC,
 * 10 are a date with its hour or Unix's seconds, 13 are milliseconds), or a plain number.
 */
export function spelled(digits: string): { moment: number } | { number: string } {
  const moment = momentOf(digits);
  return moment === undefined ? { number: plainNumber(digits) } : { moment };
}

/** Plain numbers first, then moments. */
export function compareSpelled(a: string, b: string): number {
  const [one, other] = [spelled(a), spelled(b)];
  if ("moment" in one && "moment" in other) return one.moment - other.moment;
  if ("number" in one && "number" in other) return compareNumbers(one.number, other.number);
  return "number" in one ? -1 : 1;
}

function momentOf(digits: string): number | undefined {
  switch (digits.length) {
    case 8:
    case 12:
    case 14:
    case 17:
      return dateOf(digits);
    case 10:
      return dateOf(digits) ?? Number(digits) * 1000;
    case 13:
      return Number(digits);
    default:
      return undefined;
  }
}

/** The years in which somebody writes migrations: what is outside of them is no date. */
const YEARS = [1990, 2100] as const;

function dateOf(digits: string): number | undefined {
  const part = (from: number, length: number) => Number(digits.slice(from, from + length) || 0);
  const [year, month, day] = [part(0, 4), part(4, 2), part(6, 2)];
  const [hour, minute, second, millisecond] = [part(8, 2), part(10, 2), part(12, 2), part(14, 3)];
  if (year < YEARS[0] || year > YEARS[1]) return undefined;
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59)
    return undefined;
  return Date.UTC(year, month - 1, day, hour, minute, second, millisecond);
}

/** A note for the first pair that runs against the time its names spell: two styles in one folder do that. */
export function timeNotes(format: FormatName, migrations: readonly FoundMigration[]): string[] {
  let latest: { moment: number; path: string } | undefined;
  for (const { source } of migrations) {
    const digits = /(?:^|\/)(\d+)[^/]*(?:\/migration\.sql)?$/s.exec(source.path)?.[1];
    const found = digits === undefined ? undefined : spelled(digits);
    if (found === undefined || !("moment" in found)) continue;
    if (latest !== undefined && found.moment < latest.moment)
      return [`${source.path} runs after ${latest.path}, which is later by its name: so does ${format}`];
    latest = { moment: found.moment, path: source.path };
  }
  return [];
}
