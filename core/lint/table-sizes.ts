/** How large a table is for the rules: what is tiny is read and written faster than anybody notices. */
import { count } from "../counts.ts";
import { bytes } from "../report-words.ts";
import type { TableSize } from "./rule.ts";

/** A server reads and writes so many bytes anew in some hundredths of a second. */
const TINY_BYTES = 8 * 2 ** 20;

/** True when all of them together are. */
export function areTiny(sizes: readonly TableSize[]): boolean {
  return sizes.reduce((sum, size) => sum + size.bytes, 0) <= TINY_BYTES;
}

/** ` (about 1,200,000 rows, 3.1 GiB)`; empty when nothing is known. */
export function describeSizes(sizes: readonly TableSize[]): string {
  if (sizes.length === 0) return "";
  const rows = sizes.reduce((sum, size) => sum + size.rows, 0);
  const size = sizes.reduce((sum, one) => sum + one.bytes, 0);
  return ` (about ${count(Math.round(rows), "row")}, ${bytes(size)})`;
}
