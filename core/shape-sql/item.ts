/** An object of a shape as the writer of SQL takes it: its address in parts, its facts, and how SQL names it. */
import { canonicalJson, type Json } from "../canonical-json.ts";
import { quoteLiteral, quoteName } from "../names.ts";
import type { ObjectName, Shape } from "../shape.ts";
import { parseAddress } from "../shape-names.ts";

export interface ColumnFacts {
  type: string;
  notNull?: boolean;
  default?: string;
  identity?: string;
  generated?: string;
  collation?: string;
  storage?: string;
  compression?: string;
  statistics?: number;
  inherited?: boolean;
  options?: string[];
  grants?: string[];
  comment?: string;
  [fact: string]: unknown;
}

export interface Facts {
  definition?: string;
  owner?: string;
  grants?: string[];
  comment?: string;
  columns?: Record<string, ColumnFacts>;
  order?: string[];
  constraint?: string;
  labels?: string[];
  partitionOf?: string;
  inherits?: string[];
  options?: string[];
  [fact: string]: unknown;
}

export interface Item extends ObjectName {
  address: string;
  facts: Facts;
}

/** The objects of a shape by address; those whose addresses are not understood have an empty name, and are only ever told. */
export function itemsOf(shape: Shape): Map<string, Item> {
  return new Map(
    Object.entries(shape.objects).map(([address, facts]) => {
      const known = address.startsWith("default privileges of ") ? undefined : parseAddress(address);
      const name = known ?? { word: address, name: [], suffix: null, on: null };
      return [address, { ...name, address, facts: facts as unknown as Facts }];
    }),
  );
}

/** The name as SQL, each part quoted, with the argument types of a function. */
export function sqlName({ name, suffix }: Pick<Item, "name" | "suffix">): string {
  return qualified(name) + (suffix ?? "");
}

export function qualified(name: readonly string[]): string {
  return name.map(quoteName).join(".");
}

/** `true` when the text, printed by the server, speaks of a relation or function of that name. */
export function mentions(text: string | undefined, name: readonly string[]): boolean {
  if (text === undefined || name.length === 0) return false;
  const either = (part: string) => {
    const escaped = (plain: string) => plain.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
    return `(?:${escaped(part)}|${escaped(quoteName(part))})`;
  };
  return new RegExp(String.raw`(?<![\w$".])${name.map(either).join(String.raw`\.`)}(?![\w$"])`, "u").test(
    text,
  );
}

/** Storage options, `name=value` each, as SQL lists them. */
export function optionList(options: readonly string[], prefix = ""): string {
  return options
    .map((option) => {
      const at = option.indexOf("=");
      return `${prefix}${quoteName(option.slice(0, at))} = ${quoteLiteral(option.slice(at + 1)).trimStart()}`;
    })
    .join(", ");
}

/** A line that tells what was not written as SQL: nothing is dropped in silence. */
export function untold(address: string, what: string): string {
  return `-- not written: ${address}: ${what}`.replaceAll(/[\r\n]+/g, " ");
}

/** A fact for such a line. */
export function shownFact(value: unknown): string {
  return value === undefined ? "not set" : canonicalJson(value as Json);
}

/** True when two facts are equal. */
export function equal(one: unknown, other: unknown): boolean {
  return shownFact(one) === shownFact(other);
}
