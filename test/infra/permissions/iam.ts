/** Whether statements of a role allow a request: IAM's own evaluation, of as much of the language as our statements speak. */
import type { Statement } from "../../../infra/permissions/permissions.ts";

/** One thing that a request takes: AWS asks for every one of them. */
export interface Right {
  action: string;
  /** An ARN; `*` where the action has no resource. */
  resource: string;
  /** What AWS knows of the request, by condition key. */
  context: Record<string, string | string[]>;
}

/** The first statement that allows it; undefined when none does, for what is not allowed is denied. */
export function allowing(statements: readonly Statement[], right: Right): Statement | undefined {
  return statements.find(
    ({ Action, Resource, Condition = {} }) =>
      Action.some((action) => action.toLowerCase() === right.action.toLowerCase()) &&
      Resource.some((resource) => isLike(resource, right.resource)) &&
      Object.entries(Condition).every(([operator, keys]) =>
        Object.entries(keys).every(([key, wanted]) => holds(operator, [wanted].flat(), right.context[key])),
      ),
  );
}

function holds(operator: string, wanted: string[], given: string | string[] | undefined): boolean {
  const values = given === undefined ? [] : [given].flat();
  const single = (matches: (pattern: string, value: string) => boolean) => {
    if (values.length > 1)
      throw new Error(`${operator} is for keys of one value, and this has ${values.length}`);
    return values.some((value) => wanted.some((pattern) => matches(pattern, value)));
  };
  switch (operator) {
    case "StringEquals":
    case "ArnEquals":
      return single((pattern, value) => pattern === value);
    case "StringLike":
    case "ArnLike":
      return single(isLike);
    case "ForAnyValue:StringEquals":
      return values.some((value) => wanted.includes(value));
    case "ForAllValues:StringEquals":
      return values.every((value) => wanted.includes(value));
    case "Null":
      return String(values.length === 0) === wanted[0];
    default:
      throw new Error(`a condition with ${operator} is not understood here`);
  }
}

/** `*` for any characters, `?` for one. */
function isLike(pattern: string, text: string): boolean {
  const parts = pattern.split(/([*?])/).map((part) => {
    if (part === "*") return ".*";
    return part === "?" ? "." : part.replace(/[\\^$.|+()[\]{}]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`, "s").test(text);
}
