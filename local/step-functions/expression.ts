/** Evaluates the `{% … %}` strings of a definition with JSONata, under the rules Step Functions puts on them. */
import jsonata from "jsonata";
import type { Json } from "../../core/canonical-json.ts";
import { AWS_FUNCTIONS } from "./aws-functions.ts";
import { queryFailure } from "./fault.ts";

/** What an expression can see: `$states` and the variables in scope. */
export interface Scope {
  states: { input: Json; context: Json; result?: Json; errorOutput?: Json };
  variables: Readonly<Record<string, Json>>;
}

/**
 * The template with every expression in it replaced by its value. The root context is nothing, so a bare `$` or an
 * unqualified name finds nothing, and an expression that finds nothing is `States.QueryEvaluationError`, as in AWS.
 */
export async function evaluate(template: Json, scope: Scope, location: string): Promise<Json> {
  if (typeof template === "string") {
    const source = expressionIn(template);
    return source === undefined ? template : evaluateOne(source, scope, location);
  }
  if (Array.isArray(template)) {
    const items: Json[] = [];
    for (const [index, item] of template.entries())
      items.push(await evaluate(item, scope, `${location}[${index}]`));
    return items;
  }
  if (template !== null && typeof template === "object") {
    const members: Record<string, Json> = {};
    for (const [key, member] of Object.entries(template))
      if (member !== undefined) setOwn(members, key, await evaluate(member, scope, `${location}/${key}`));
    return members;
  }
  return template;
}

/** The JSONata inside `{% … %}`, or undefined when the string is a plain one. */
export function expressionIn(text: string): string | undefined {
  return text.startsWith("{%") && text.endsWith("%}") && text.length >= 4
    ? text.slice(2, -2).trim()
    : undefined;
}

/** The parser's complaint about an expression, or undefined when it is well formed. */
export function expressionProblem(source: string): string | undefined {
  try {
    jsonata(source);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

async function evaluateOne(source: string, scope: Scope, location: string): Promise<Json> {
  const fail = (reason: string) =>
    queryFailure(
      `The JSONata expression '${source}' specified for the field '${location}' ${reason}`,
      location,
    );
  let value: unknown;
  try {
    value = await jsonata(source).evaluate(undefined, {
      ...scope.variables,
      ...AWS_FUNCTIONS,
      states: scope.states,
    });
  } catch (error) {
    throw fail(`threw an error during evaluation. ${(error as Error).message}`);
  }
  if (value === undefined) throw fail("returned nothing (undefined).");
  // JSONata's sequences and functions are not JSON; what cannot be written is refused rather than dropped.
  const text = JSON.stringify(value, (_, member: unknown) => {
    if (typeof member === "function") throw fail("returned an unsupported result type.");
    if (typeof member === "number" && !Number.isFinite(member))
      throw fail("returned a number JSON cannot carry.");
    return member;
  });
  if (text === undefined) throw fail("returned an unsupported result type.");
  return JSON.parse(text) as Json;
}

/** `__proto__` is a name like any other in data. */
function setOwn(members: Record<string, Json>, key: string, value: Json) {
  Object.defineProperty(members, key, { value, enumerable: true, configurable: true, writable: true });
}
