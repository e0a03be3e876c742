/** A refusal's hint in the report: its sentence, and below it the lines that it is about, where it has some. */

interface HintParts {
  sentence: string;
  /** Empty, or lines that keep their indentation. */
  lines: string;
}

export function hintParts(hint: string): HintParts {
  const end = hint.indexOf("\n");
  return end < 0
    ? { sentence: hint, lines: "" }
    : { sentence: hint.slice(0, end), lines: hint.slice(end + 1) };
}

/** The lines as a block of Markdown that nothing in them can end. */
export function hintBlock(hint: string): string {
  const { lines } = hintParts(hint);
  if (lines === "") return "";
  const longest = Math.max(2, ...(lines.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  return `\n\n${fence}diff\n${lines}\n${fence}`;
}
