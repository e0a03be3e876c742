/** Paths into a JSON value, as a project's files write them: `$.rounds[*].id`. Postgres's jsonpath reads the same text the same way. */

/** One step: a member's name, an element's place, or all elements. */
type Step = { member: string } | { element: number } | "each";

const STEP = /\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d{1,6})\]|\[(\*)\]|\."((?:[^"\\\p{Cc}]|\\["\\])+)"/uy;

/** True for `$` with steps behind it: `.name`, `."any name"`, `[0]`, `[*]`. */
export function isJsonPath(text: string): boolean {
  return stepsOf(text) !== undefined;
}

/** What stands there, in its order; nothing where a member, an element or an array is missing. Throws on what is no path. */
export function valuesAt(value: unknown, path: string): unknown[] {
  const steps = stepsOf(path);
  if (steps === undefined) throw new Error(`${path} is no path`);
  let found = [value];
  for (const step of steps) found = found.flatMap((one) => inside(one, step));
  return found;
}

/** The one value there, or the first of them; undefined where there is none. */
export function valueAt(value: unknown, path: string): unknown {
  return valuesAt(value, path)[0];
}

function inside(value: unknown, step: Step): unknown[] {
  if (step === "each") return Array.isArray(value) ? value : [];
  if ("element" in step)
    return Array.isArray(value) && step.element < value.length ? [value[step.element]] : [];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.hasOwn(value, step.member) ? [(value as Record<string, unknown>)[step.member]] : [];
}

function stepsOf(text: string): Step[] | undefined {
  if (text[0] !== "$") return undefined;
  const steps: Step[] = [];
  for (let at = 1; at < text.length; at = STEP.lastIndex) {
    STEP.lastIndex = at;
    const found = STEP.exec(text);
    if (found === null) return undefined;
    const [, member, element, each, quoted] = found;
    if (each !== undefined) steps.push("each");
    else if (element !== undefined) steps.push({ element: Number(element) });
    else steps.push({ member: member ?? (quoted ?? "").replaceAll(/\\(["\\])/g, "$1") });
  }
  return steps;
}
