/** A query's parameters: how a header declares one, and how what somebody gives becomes what is bound. */
import { didYouMean } from "../did-you-mean.ts";
import { RehearsalError } from "../errors.ts";
import { type BoundValue, elementsOf, isArray, PARAMETER_TYPES, problemWith } from "./value.ts";

export interface QueryParameter {
  /** Lower-case letters, digits and underscores; `:name` in the query. */
  name: string;
  /** One of `PARAMETER_TYPES`. */
  type: string;
  /** It may be left out, and is then NULL. */
  optional: boolean;
  /** What it is when it is left out. */
  default?: string;
  /** For people. */
  text?: string;
}

/** What somebody gives for a parameter; JSON's numbers and booleans are read as their text. */
export type GivenValue = string | number | boolean | null | readonly (string | number | boolean)[];

const DECLARATION =
  /^(?<name>\S+)[ \t]+(?<type>[^\s:=]+)(?:[ \t]+(?<optional>optional))?(?:[ \t]*=[ \t]*(?<value>'(?:[^']|'')*'|(?:(?!:(?:[ \t]|$)).)+?))?[ \t]*(?::(?:[ \t]+(?<text>.*))?)?$/;

/** Reads what follows the word `parameter`; a text tells what is wrong with it. */
export function readParameter(declared: string): QueryParameter | string {
  const { name, type, optional, value, text } = DECLARATION.exec(declared)?.groups ?? {};
  if (name === undefined || type === undefined)
    return "it is written: parameter NAME TYPE [optional] [= DEFAULT][: what it is for]";
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name))
    return `"${name}" is no name of a parameter: lower-case letters, digits and underscores, a letter first`;
  if (!PARAMETER_TYPES.includes(type))
    return `"${type}" is no type of a parameter; ${didYouMean(type, PARAMETER_TYPES)}`;
  const parameter = {
    name,
    type,
    optional: optional !== undefined,
    ...(value !== undefined && {
      default: value.startsWith("'") ? value.slice(1, -1).replaceAll("''", "'") : value.trim(),
    }),
    ...(text !== undefined && text.trim() !== "" && { text: text.trim() }),
  };
  if (parameter.default === undefined) return parameter;
  const problem = boundOrProblem(parameter, parameter.default);
  return "problem" in problem ? `its default ${problem.problem}` : parameter;
}

/**
 * The values to bind, in the order of the parameters. Throws `QueryParameterUnknown`, `QueryParameterMissing` and
 * `QueryParameterInvalid`.
 */
export function bindValues(
  { name: query, parameters }: { name: string; parameters: readonly QueryParameter[] },
  given: Readonly<Record<string, GivenValue>>,
): BoundValue[] {
  const names = parameters.map(({ name }) => name);
  for (const name of Object.keys(given))
    if (!names.includes(name))
      throw new RehearsalError("QueryParameterUnknown", {
        query,
        parameter: name,
        known: names.length === 0 ? "it has none" : didYouMean(name, names),
      });
  return parameters.map((parameter) => {
    const value = Object.hasOwn(given, parameter.name) ? given[parameter.name] : undefined;
    const wanted = value === undefined ? (parameter.default ?? null) : value;
    if (wanted === null) {
      if (parameter.optional) return null;
      throw new RehearsalError("QueryParameterMissing", {
        query,
        parameter: parameter.name,
        type: parameter.type,
      });
    }
    const bound = boundOrProblem(parameter, wanted);
    if (!("problem" in bound)) return bound.value;
    throw new RehearsalError("QueryParameterInvalid", {
      query,
      parameter: parameter.name,
      type: parameter.type,
      problem: bound.problem,
    });
  });
}

function boundOrProblem(
  { type }: QueryParameter,
  given: Exclude<GivenValue, null>,
): { value: BoundValue } | { problem: string } {
  const list = isArray(type);
  for (const one of [given].flat() as (string | number | boolean)[])
    if (typeof one === "number" && !isExact(one))
      return { problem: `is a number that JSON does not carry exactly; give it as a text` };
  if (Array.isArray(given) && !list) return { problem: "is several values, and it takes one" };
  const value = Array.isArray(given)
    ? given.map(String)
    : list
      ? elementsOf(String(given))
      : // A text may begin and end with blanks; of anything else they mean nothing.
        type === "text"
        ? String(given)
        : String(given).trim();
  if (value === undefined)
    return { problem: "is no list: part its values by commas, or write a JSON array of texts" };
  const problem = problemWith(type, value);
  return problem === undefined ? { value } : { problem: `(${clip(value)}) ${problem}` };
}

function isExact(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

/** As much of a value as a message carries. */
function clip(value: string | readonly string[]): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
