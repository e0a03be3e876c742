/** A database's shape: everything its catalogs say of structure, as one canonical JSON value whose sha256 is the fingerprint. */

import { canonicalJson, isJsonObject, type Json, type JsonObject } from "./canonical-json.ts";
import { digestOf } from "./digest.ts";

/** `objects` maps a stable address ("table public.videos", "index public.videos_pkey") to its facts; no object identifiers, no sizes, no row counts. */
export interface Shape {
  format: "rehearsal-shape/1";
  objects: Record<string, Json>;
}

/** The fingerprint: sha256 of the shape's canonical JSON. */
export function fingerprint(shape: Shape): string {
  return digestOf(shape as unknown as Json);
}

export interface ShapeDifference {
  address: string;
  /** `added`: only the actual shape has it; `removed`: only the expected one has it. */
  kind: "added" | "removed" | "changed";
  expected?: Json;
  actual?: Json;
  /** The facts that differ, as dotted paths: `columns.title.type`; empty when the whole object was added or removed. */
  paths: string[];
}

/** Where two shapes differ, by address; empty exactly when their fingerprints are equal. */
export function diffShapes(expected: Shape, actual: Shape): ShapeDifference[] {
  const differences: ShapeDifference[] = [];
  for (const address of unionOfKeys(expected.objects, actual.objects)) {
    const before = member(expected.objects, address);
    const after = member(actual.objects, address);
    if (before === undefined && after !== undefined)
      differences.push({ address, kind: "added", actual: after, paths: [] });
    else if (before !== undefined && after === undefined)
      differences.push({ address, kind: "removed", expected: before, paths: [] });
    else if (!same(before, after))
      differences.push({
        address,
        kind: "changed",
        ...(before === undefined ? {} : { expected: before }),
        ...(after === undefined ? {} : { actual: after }),
        paths: differingPaths(before, after),
      });
  }
  return differences;
}

/** One difference as a sentence for people, with at most three facts told in full. */
export function describeDifference(difference: ShapeDifference): string {
  const { address, kind, paths } = difference;
  if (kind === "added") return `${address} is there, but was not expected`;
  if (kind === "removed") return `${address} is missing`;
  const told = paths.slice(0, 3).map((path) => {
    const [expected, actual] = [difference.expected, difference.actual].map((facts) =>
      shown(follow(facts, path)),
    );
    return `${path || "it"} is ${actual}, expected ${expected}`;
  });
  const more = paths.length > told.length ? `; and ${paths.length - told.length} more` : "";
  return `${address}: ${told.join("; ")}${more}`;
}

/**
 * What a migration did to a shape, for people: what it adds, drops and changes. Parts of a table that is itself added or
 * dropped (its constraints, indexes, triggers) go without saying.
 */
export function describeChanges(before: Shape, after: Shape): string[] {
  const differences = diffShapes(before, after);
  const whole = differences.filter(({ kind, address }) => kind !== "changed" && address.startsWith("table "));
  const tables = new Set(whole.map(({ address }) => address.slice("table ".length)));
  const verbs = { added: "adds", removed: "drops" };
  return differences
    .filter(({ address }) => !tables.has(address.split(" on ").at(-1) ?? "") || address.startsWith("table "))
    .map((difference) => {
      const { kind, address, expected, actual } = difference;
      if (kind !== "changed") return `${verbs[kind]} ${address}`;
      const told = difference.paths.slice(0, 3).map((path) => {
        const [was, is] = [expected, actual].map((facts) => shown(follow(facts, path)));
        return `${path || "it"} from ${was} to ${is}`;
      });
      const more = difference.paths.length - told.length;
      return `changes ${address}: ${told.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
    });
}

export interface ObjectName {
  word: string;
  name: readonly string[];
  suffix: string | null;
  on: readonly string[] | null;
}

/** An object's address: its kind's word, its name, what tells it from its namesakes, and what it stands on: `trigger touch on public.videos`. */
export function addressOf({ word, name, suffix, on }: ObjectName): string {
  const named = `${word} ${pathOf(name)}${suffix ?? ""}`;
  return on === null ? named : `${named} on ${pathOf(on)}`;
}

/** A name as it stands in an address: its parts, joined by dots. */
export function pathOf(name: readonly string[]): string {
  return name.map(quoteOdd).join(".");
}

/** Quotes what is not lower-case letters, digits and underscores; not reserved words, for an address is not SQL and must not change with the server's list of them. */
function quoteOdd(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

function differingPaths(before: Json | undefined, after: Json | undefined, path: string[] = []): string[] {
  if (!isJsonObject(before) || !isJsonObject(after))
    return same(before, after) ? [] : [path.map(quoteOdd).join(".")];
  return unionOfKeys(before, after).flatMap((key) =>
    differingPaths(member(before, key), member(after, key), [...path, key]),
  );
}

/** The value at a path that `differingPaths` wrote. */
function follow(value: Json | undefined, path: string): Json | undefined {
  const keys = [...path.matchAll(/"((?:[^"]|"")*)"|[^."]+/g)].map(
    ([plain, quoted]) => quoted?.replaceAll('""', '"') ?? plain,
  );
  return keys.reduce((at, key) => (isJsonObject(at) ? member(at, key) : undefined), value);
}

function shown(value: Json | undefined): string {
  const text = value === undefined ? "not set" : canonicalJson(value);
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}

function same(one: Json | undefined, other: Json | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return canonicalJson(one) === canonicalJson(other);
}

/** A member of its own: a column may be called `__proto__`. */
function member(record: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function unionOfKeys(one: JsonObject, other: JsonObject): string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
}
