/** The words and Markdown that every section of a report is made of. */

/** A list under its title, or nothing when it is empty. */
export function list(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  return [`**${title}**`, "", ...lines.map((line) => `- ${code(line)}`), ""];
}

/** A code span: nothing in it is markup, and a bar does not end a table's cell. Line ends become spaces. */
export function code(text: string): string {
  const line = text.replace(/\s+/g, " ").trim().replaceAll("|", "\\|");
  if (line === "") return "";
  const longest = Math.max(0, ...(line.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? `${fence}${line}${fence}` : `${fence} ${line} ${fence}`;
}

/** Milliseconds as people say them: `0.4 ms`, `12 ms`, `3.1 s`, `4 min 10 s`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Bytes as people say them, in powers of 1024: `512 B`, `1.4 KiB`, `20 MiB`. */
export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || Math.abs(value) >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
