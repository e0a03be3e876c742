/** Numbers, counts and ages as people read them, alike at the terminal, in the console and in a report. */

/** `1,234`. */
export function number(count: number): string {
  return count.toLocaleString("en-US");
}

/** `1 row`, `2,000 rows`. */
export function count(count: number, noun: string): string {
  return `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** How long something has been: `40 s`, `12 min`, `5 h` or `3 days`. */
export function age(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}
