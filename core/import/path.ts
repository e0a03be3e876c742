/** Places in a JSON document: `$.rounds[*].images`, a part of JSONPath that names, counts and goes over arrays. */

export type PathStep = { member: string } | { index: number } | { all: true };

export interface JsonPath {
  /** As it was written. */
  text: string;
  /** Where it begins: at the row's element, `$`, or at the top of its document, `$$`. */
  from: "element" | "document";
  steps: PathStep[];
}

const STEP = /\.([A-Za-z_][A-Za-z0-9_-]*)|\[(?:(\d{1,9})|(\*)|("(?:[^"\\]|\\.)*"))\]/y;

/** Reads a path; throws an Error in words. */
export function parsePath(text: string): JsonPath {
  const start = /^\$\$?/.exec(text)?.[0];
  if (start === undefined) throw new Error(`"${text}" is no path: it begins with $`);
  const steps: PathStep[] = [];
  for (let at = start.length; at < text.length; at = STEP.lastIndex) {
    STEP.lastIndex = at;
    const found = STEP.exec(text);
    if (found === null)
      throw new Error(
        `"${text}" is no path from ${at + 1} on: write .name, ["any name"], [0] or [*]${hint(text)}`,
      );
    const [, member, index, all, quoted] = found;
    if (member !== undefined) steps.push({ member });
    else if (index !== undefined) steps.push({ index: Number(index) });
    else if (all !== undefined) steps.push({ all: true });
    else if (quoted !== undefined) steps.push({ member: JSON.parse(quoted) as string });
  }
  return { text, from: start === "$" ? "element" : "document", steps };
}

/** A step as it is written in a path. */
export function writeStep(step: string | number): string {
  if (typeof step === "number") return `[${step}]`;
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}

function hint(text: string): string {
  return /\.\.|\?|:/.test(text) ? "; filters, slices and .. are not known" : "";
}
