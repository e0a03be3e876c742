/** Text for people: aligned, with amounts they can read, and nothing in it that a terminal would obey. */

import { count } from "../core/counts.ts";
import { displayWidth, padded } from "./display-width.ts";

/** Control characters shown as escapes: what the service tells may quote what anybody wrote. Line feeds stay. */
export function plain(text: string): string {
  return text.replace(
    /(?!\n)[\p{Cc}\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Rows with their columns aligned by two spaces; the first row may be a head. No space at a line's end. */
export function columns(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => plain(cell).replaceAll("\n", " ")));
  const widths: number[] = [];
  for (const row of cells)
    for (const [index, cell] of row.entries())
      widths[index] = Math.max(widths[index] ?? 0, displayWidth(cell));
  return cells
    .map((row) =>
      row
        .map((cell, index) => padded(cell, widths[index] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Names and values, one per line; those without a value are left out. */
export function facts(pairs: Record<string, string | null | undefined>): string {
  return columns(Object.entries(pairs).flatMap(([name, value]) => (value ? [[`${name}:`, value]] : [])));
}

/** Bytes as a person says them: `12.3 MB`. */
export function bytes(count: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let [value, unit] = [count, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** `1,234 rows`. */
export const rows = (many: number): string => count(many, "row");

/** Milliseconds as `0.4 s`, `2 min 05 s` or `1 h 02 min`. */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two((seconds % 3600) / 60)} min`;
}

/** The beginning of a hash: enough to tell it from others and to name it by. */
export function short(hash: string | null): string {
  return hash === null ? "none" : hash.slice(0, 12);
}

/** An instant in UTC to the second. */
export function when(iso: string): string {
  return `${iso.slice(0, 19).replace("T", " ")} UTC`;
}
