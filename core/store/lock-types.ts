/** The types of a schema lock as a store knows them. */
import type { SchemaLock } from "../schema-lock.ts";
import type { ColumnType, Kind } from "./column-type.ts";

/** A type as the lock writes it: through its domains, with its labels or lengths. `notNull` tells that a domain of it forbids NULL. */
export function typeOf(
  lock: SchemaLock,
  type: string,
): { of: ColumnType; notNull: boolean; domains: string[] } {
  const domains: string[] = [];
  let notNull = false;
  let rest = type;
  for (let facts = domainOf(lock, rest); facts?.type !== undefined; facts = domainOf(lock, rest)) {
    domains.push(rest);
    notNull ||= facts.notNull === true;
    rest = facts.type;
  }
  if (!rest.endsWith("[]")) return { of: scalarOf(lock, rest), notNull, domains };
  const element = typeOf(lock, rest.slice(0, -2));
  domains.push(...element.domains);
  // Arrays inside of arrays come of domains alone, and boxes are parted by another letter: their texts stay as they are.
  const plain = element.of.array !== true && rest !== "box[]" && element.domains.length === 0;
  const known = plain && (element.of.kind !== "other" || !rest.includes("."));
  return { of: known ? { ...element.of, array: true } : { kind: "other" }, notNull, domains };
}

interface DomainFacts {
  type?: string;
  notNull?: boolean;
}

function domainOf({ others }: SchemaLock, type: string): DomainFacts | undefined {
  const address = `domain ${type}`;
  return Object.hasOwn(others, address) ? (others[address] as unknown as DomainFacts) : undefined;
}

function scalarOf({ enums }: SchemaLock, type: string): ColumnType {
  if (Object.hasOwn(enums, type)) return { kind: "enum", labels: [...(enums[type] ?? [])] };
  const [, name = type, sizes, behind = ""] = /^(.*?)\((-?\d+(?:,-?\d+)?)\)(.*)$/.exec(type) ?? [];
  const kind = KINDS[name + behind];
  if (kind === undefined) return { kind: "other" };
  const [first, second] = (sizes ?? "").split(",").filter(Boolean).map(Number);
  if (first === undefined) return { kind };
  if (kind === "numeric") return { kind, precision: first, scale: second ?? 0 };
  return kind === "text" || kind === "bpchar" ? { kind, length: first } : { kind, digits: first };
}

const KINDS: Record<string, Kind> = {
  smallint: "int2",
  integer: "int4",
  bigint: "int8",
  numeric: "numeric",
  real: "float4",
  "double precision": "float8",
  boolean: "bool",
  text: "text",
  "character varying": "text",
  character: "bpchar",
  bpchar: "bpchar",
  uuid: "uuid",
  bytea: "bytea",
  json: "json",
  jsonb: "jsonb",
  date: "date",
  "time without time zone": "time",
  "timestamp without time zone": "timestamp",
  "timestamp with time zone": "timestamptz",
};
