/** A report's values: the server's text of each, held to the type that the report promises, and normalised so that equal values are equal texts. */
import type { ReportColumn, ReportType } from "./definition.ts";

/** Null, or the value as text: numbers in plain digits, times in ISO 8601 and UTC, booleans as true and false. */
export type ReportValue = string | null;

export type ReportRow = readonly ReportValue[];

/** A column with its name, in the report's order. */
export interface NamedColumn extends ReportColumn {
  name: string;
}

/** Which of the server's types, by the names that it gives them, have values of which of ours. */
const SERVER_TYPES: Record<ReportType, readonly string[]> = {
  text: ["text", "character varying", "character", "name", "uuid"],
  integer: ["smallint", "integer", "bigint"],
  decimal: ["smallint", "integer", "bigint", "numeric"],
  double: ["real", "double precision"],
  boolean: ["boolean"],
  date: ["date"],
  timestamp: ["timestamp with time zone"],
  json: ["json", "jsonb"],
};

const CAST_TO: Record<ReportType, string> = {
  text: "text",
  integer: "bigint",
  decimal: "numeric",
  double: "double precision",
  boolean: "boolean",
  date: "date",
  timestamp: "timestamptz",
  json: "jsonb",
};

/** What is wrong between the columns that a report names and those that its statement gives; empty when nothing is. */
export function columnProblems(
  named: readonly NamedColumn[],
  given: readonly { name: string; type: string }[],
): string[] {
  const problems: string[] = [];
  for (let at = 0; at < Math.max(named.length, given.length); at++) {
    const [one, other] = [named[at], given[at]];
    if (one === undefined) problems.push(`it gives ${other?.name} as well`);
    else if (other === undefined) problems.push(`it does not give ${one.name}`);
    else if (one.name !== other.name) problems.push(`column ${at + 1} is ${other.name} and not ${one.name}`);
    else if (!SERVER_TYPES[one.type].includes(other.type))
      problems.push(`${one.name} is ${other.type} and no ${one.type}: cast it to ${CAST_TO[one.type]}`);
  }
  return problems;
}

/** The normalised value, or what is wrong with it as `{ problem }`: "is not a number". */
export function readValue(column: ReportColumn, text: string | null): ReportValue | { problem: string } {
  if (text === null) return null;
  switch (column.type) {
    case "text":
    case "json":
    case "integer":
      return text;
    case "boolean":
      return text === "t" ? "true" : "false";
    case "decimal":
      return decimal(column, text);
    case "double":
      return /^-?(Infinity|NaN)$/.test(text) ? { problem: `is ${text}` } : text;
    case "date":
      return /^\d{4}-\d\d-\d\d$/.test(text) ? text : { problem: `is no day of the years 1 to 9999: ${text}` };
    case "timestamp": {
      const found = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,6})?)\+00$/.exec(text);
      return found === null
        ? { problem: `is no time of the years 1 to 9999: ${text}` }
        : `${found[1]}T${found[2]}Z`;
    }
  }
}

/** With as many digits behind the point as the column has; what has more of them, or too many before it, is no such decimal. */
function decimal({ precision = 38, scale = 0 }: ReportColumn, text: string): string | { problem: string } {
  const found = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (found === null) return { problem: `is ${text}` };
  const [, sign = "", whole = "", fraction = ""] = found;
  const digits = whole.replace(/^0+(?=\d)/, "");
  if (!/^0*$/.test(fraction.slice(scale)) || (digits === "0" ? 0 : digits.length) > precision - scale)
    return { problem: `does not fit into decimal(${precision}, ${scale}): ${text}` };
  const kept = fraction.slice(0, scale).padEnd(scale, "0");
  const plain = kept === "" ? digits : `${digits}.${kept}`;
  return /[1-9]/.test(plain) ? sign + plain : plain;
}

/** Microseconds since 1970 of a normalised timestamp. */
export function microseconds(value: string): bigint {
  const [, whole = "", fraction = ""] = /^([^.Z]*)(?:\.(\d+))?Z$/.exec(value) ?? [];
  return BigInt(Date.parse(`${whole}Z`)) * 1_000n + BigInt(fraction.padEnd(6, "0"));
}
