/** Statements put together where IAM reads them alike: a role's policy has 10,240 characters and no more. */
import type { Condition, Statement } from "./statement.ts";

/**
 * First what is allowed on the same conditions, of more resources; then what is allowed of the same resources, where one
 * condition has more values. What is allowed stays the same; the first name of those that were put together stays as well.
 */
export function compact(statements: readonly Statement[]): Statement[] {
  return merged(
    merged(statements, (one, other) =>
      isSame(one.Action, other.Action) && isSame(one.Condition, other.Condition)
        ? { ...one, Resource: union(one.Resource, other.Resource) }
        : undefined,
    ),
    (one, other) => {
      if (!isSame(one.Action, other.Action) || !isSame(one.Resource, other.Resource)) return undefined;
      const Condition = joined(one.Condition, other.Condition);
      return Condition && { ...one, Condition };
    },
  );
}

function merged(
  statements: readonly Statement[],
  join: (one: Statement, other: Statement) => Statement | undefined,
): Statement[] {
  const kept: Statement[] = [];
  for (const statement of statements) {
    const at = kept.findIndex((one) => join(one, statement) !== undefined);
    const before = kept[at];
    if (before === undefined) kept.push(statement);
    else kept[at] = join(before, statement) ?? before;
  }
  return kept;
}

/** One condition instead of two that differ in the values of a single StringLike; undefined where they differ in more. */
function joined(one: Condition = {}, other: Condition = {}): Condition | undefined {
  const { StringLike: likes = {}, ...rest } = one;
  const { StringLike: others = {}, ...otherRest } = other;
  const [[key = "", values = []] = [], more] = Object.entries(likes);
  const [[otherKey, otherValues = []] = [], otherMore] = Object.entries(others);
  if (
    key === "" ||
    key !== otherKey ||
    more !== undefined ||
    otherMore !== undefined ||
    !isSame(rest, otherRest)
  )
    return undefined;
  return { ...rest, StringLike: { [key]: union([values].flat(), [otherValues].flat()) } };
}

function union(one: readonly string[], other: readonly string[]): string[] {
  return [...new Set([...one, ...other])];
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
