/**
 * What a table holds, as one number that does not depend on the order of its rows: computed here from what was read, and by
 * Postgres from what it holds. FORMATS.md has the bytes.
 */
import { hash } from "node:crypto";
import { quoteName } from "../names.ts";
import type { TargetColumn } from "./target-column.ts";

export interface ContentSum {
  rows: number;
  /** Two numbers in digits, parted by a hyphen: the sums of two sixty-bit parts of each row's hash. */
  checksum: string;
}

/** Adds rows up. A row is its values in the order of the columns' names, each as its canonical text, or null. */
export class ContentSums {
  #rows = 0;
  #first = 0n;
  #second = 0n;

  add(values: readonly (string | null)[]): void {
    let row = "";
    for (const value of values) row += value === null ? "~" : `${Buffer.byteLength(value)}:${value}`;
    const digest = hash("sha256", row, "hex");
    this.#rows++;
    this.#first += BigInt(`0x${digest.slice(0, 15)}`);
    this.#second += BigInt(`0x${digest.slice(15, 30)}`);
  }

  sum(): ContentSum {
    return { rows: this.#rows, checksum: `${this.#first}-${this.#second}` };
  }
}

/** The columns in the order in which a row is written: by the bytes of their names. */
export function inOrder<T extends { name: string }>(columns: readonly T[]): T[] {
  return [...columns].sort((one, other) => Buffer.compare(Buffer.from(one.name), Buffer.from(other.name)));
}

/** A query of one row with `rows` and `checksum`, over the whole table; `table` is quoted and qualified. */
export function sumQuery(table: string, columns: readonly TargetColumn[]): string {
  const values = inOrder(columns).map((column, at) => `${canonicalExpression(column)} as v${at}`);
  const row = values.map(
    (_, at) => `case when v${at} is null then '~' else octet_length(v${at})::text || ':' || v${at} end`,
  );
  const part = (from: number) => `coalesce(sum(('x' || substr(digest, ${from}, 15))::bit(60)::bigint), 0)`;
  // OFFSET 0 keeps the planner from computing each value twice.
  return `select count(*)::text as rows, ${part(1)} || '-' || ${part(16)} as checksum
    from (select encode(sha256(convert_to(${row.join(" || ")}, 'UTF8')), 'hex') as digest
      from (select ${values.join(", ")} from ${table} t offset 0) canonical) hashed`;
}

/** A value's canonical text, by Postgres. */
function canonicalExpression({ name, type }: TargetColumn): string {
  const column = `t.${quoteName(name)}`;
  switch (type) {
    case "bool":
      return `case when ${column} then 't' when not ${column} then 'f' end`;
    case "numeric":
      return `trim_scale(${column})::text`;
    case "float4":
    case "float8":
      return `encode(float8send(${column}::float8), 'hex')`;
    case "bytea":
      return `encode(${column}, 'hex')`;
    case "date":
      return `case when isfinite(${column}) then (${column} - date '1970-01-01')::text else ${column}::text end`;
    case "timestamp":
    case "timestamptz":
      return `case when isfinite(${column}) then (extract(epoch from ${column}) * 1000000)::bigint::text else ${column}::text end`;
    default:
      // A cast may say other things than a value's own output, which it was read from: of inet it adds the length of the network.
      return CAST.has(type)
        ? `${column}::text`
        : `case when ${column} is not null then format('%s', ${column}) end`;
  }
}

const CAST = new Set("int2 int4 int8 oid text varchar bpchar name time uuid json jsonb".split(" "));
