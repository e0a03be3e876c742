/** Whether an event matches an EventBridge rule's pattern, after "Amazon EventBridge event patterns" in its guide. */
import type { Json } from "../core/canonical-json.ts";

/** Objects descend; arrays list what may stand there: a value itself, or a test such as `{ "prefix": "aws." }`. */
export interface EventPattern {
  [field: string]: EventPattern | PatternTest[];
}

export type PatternTest =
  | string
  | number
  | boolean
  | null
  | { prefix: string }
  | { suffix: string }
  | { "equals-ignore-case": string }
  | { exists: boolean }
  | { "anything-but": string | number | (string | number)[] | { prefix: string } }
  | { numeric: (string | number)[] };

/** True when every field of the pattern is met. A field that holds an array is met when one of its items is. */
export function matchesPattern(pattern: EventPattern, event: Json | undefined): boolean {
  return Object.entries(pattern).every(([field, wanted]) => {
    const value = isObject(event) && Object.hasOwn(event, field) ? event[field] : undefined;
    if (!Array.isArray(wanted)) return matchesPattern(wanted as EventPattern, value);
    const found: (Json | undefined)[] = Array.isArray(value) && value.length > 0 ? [...value] : [value];
    return wanted.some((test) => found.some((one) => meets(test, one)));
  });
}

function meets(test: PatternTest, value: Json | undefined): boolean {
  if (test === null || typeof test !== "object") return value === test;
  if ("exists" in test) return test.exists === (value !== undefined && !isObject(value));
  if (value === undefined) return false;
  if ("prefix" in test) return typeof value === "string" && value.startsWith(test.prefix);
  if ("suffix" in test) return typeof value === "string" && value.endsWith(test.suffix);
  if ("equals-ignore-case" in test)
    return typeof value === "string" && value.toLowerCase() === test["equals-ignore-case"].toLowerCase();
  if ("numeric" in test) return typeof value === "number" && isWithin(test.numeric, value);
  const refused = test["anything-but"];
  if (typeof refused === "object" && "prefix" in refused)
    return !(typeof value === "string" && value.startsWith(refused.prefix));
  return ![refused].flat().includes(value as string | number);
}

/** `[">", 0, "<=", 5]`: every comparison must hold. */
function isWithin(comparisons: readonly (string | number)[], value: number): boolean {
  for (let index = 0; index < comparisons.length; index += 2) {
    const compare = COMPARISONS[String(comparisons[index])];
    const bound = comparisons[index + 1];
    if (compare === undefined || typeof bound !== "number" || !compare(value, bound)) return false;
  }
  return comparisons.length > 0;
}

const COMPARISONS: Record<string, (value: number, bound: number) => boolean> = {
  "=": (value, bound) => value === bound,
  "<": (value, bound) => value < bound,
  "<=": (value, bound) => value <= bound,
  ">": (value, bound) => value > bound,
  ">=": (value, bound) => value >= bound,
};

function isObject(value: Json | undefined): value is { readonly [key: string]: Json | undefined } {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
