import { describe, expect, test } from "vitest";
import {
  type Baseline,
  compareBaselines,
  describeBaselineDifference,
  keptColumns,
  totalRows,
} from "../../core/baseline.ts";
import type { Json } from "../../core/canonical-json.ts";
import type { Shape } from "../../core/shape.ts";

const held: Baseline = {
  format: "rehearsal-baseline/2",
  tables: {
    '"public"."a"': { rows: 1, columns: ["id"], checksum: "18446744073709551616" },
    '"public"."b"': { rows: 2, columns: ["id", "name"], checksum: "-7" },
  },
  sequences: { '"public"."s"': { last: "9223372036854775807", called: true } },
  largeObjects: { count: 1, checksum: "5" },
};

const told = (change: (baseline: Baseline) => void) => {
  const actual = structuredClone(held);
  change(actual);
  return compareBaselines(held, actual).map(describeBaselineDifference);
};

describe("compareBaselines", () => {
  test("finds nothing between equals", () => {
    expect(told(() => {})).toEqual([]);
    expect(totalRows(held)).toBe(3);
  });

  test("tells each difference in a sentence", () => {
    expect(
      told((actual) => {
        delete actual.tables['"public"."a"'];
        actual.tables['"public"."b"'] = { rows: 1, columns: ["id", "name"], checksum: "-7" };
        actual.tables['"public"."c"'] = { rows: 0, columns: [], checksum: "0" };
        actual.sequences['"public"."s"'] = { last: "1", called: false };
        actual.largeObjects = { count: 0, checksum: "0" };
      }),
    ).toEqual([
      'table "public"."a" is missing',
      'table "public"."b" holds 1 row, expected 2 rows',
      'table "public"."c" is there, but was not expected',
      'sequence "public"."s" stands at 1, not yet drawn, expected 9223372036854775807',
      "large objects are 0, expected 1",
    ]);
  });

  test("compares checksums as text, for they are larger than a number holds", () => {
    expect(
      told((actual) => {
        actual.tables['"public"."a"'] = { rows: 1, columns: ["id"], checksum: "18446744073709551617" };
      }),
    ).toEqual([
      'table "public"."a" holds 1 row, as expected, but not the same content (checksum 18446744073709551617, expected 18446744073709551616)',
    ]);
  });

  test("does not compare what was read by other columns", () => {
    expect(
      told((actual) => {
        actual.tables['"public"."b"'] = { rows: 2, columns: ["id"], checksum: "-7" };
      }),
    ).toEqual(['table "public"."b" was read by the columns id, expected id, name']);
  });
});

describe("keptColumns", () => {
  const table = (columns: Record<string, Json>, more: Record<string, Json> = {}) => ({
    schema: "app",
    name: 'T"',
    columns,
    ...more,
  });
  const shape = (facts: Json, labels: string[] = ["sad", "happy"]): Shape => ({
    format: "rehearsal-shape/1",
    objects: { "table app.t": facts, "type app.mood": { labels } },
  });
  const kept = (before: Json, after: Json, labels?: string[]) =>
    keptColumns(shape(before), shape(after, labels));

  test("are those whose name and type stay, sorted", () => {
    expect(
      kept(
        table({ z: { type: "text" }, a: { type: "text" }, b: { type: "integer" }, gone: { type: "text" } }),
        table({
          a: { type: "text", default: "1" },
          b: { type: "bigint" },
          z: { type: "text" },
          fresh: { type: "text" },
        }),
      ),
    ).toEqual({ '"app"."T"""': ["a", "z"] });
  });

  test("leave out a generated column whose expression changed", () => {
    const generated = (expression: string) =>
      table({ g: { type: "text", generated: "stored", default: expression } });
    expect(kept(generated("a"), generated("a"))).toEqual({ '"app"."T"""': ["g"] });
    expect(kept(generated("a"), generated("b"))).toEqual({ '"app"."T"""': [] });
  });

  test("leave out an enum that lost a label, not one that gained one", () => {
    const enums = table({ m: { type: "app.mood" }, ms: { type: "app.mood[]" } });
    expect(kept(enums, enums, ["sad", "so so", "happy"])).toEqual({ '"app"."T"""': ["m", "ms"] });
    expect(kept(enums, enums, ["blue", "happy"])).toEqual({ '"app"."T"""': [] });
  });

  test("leave out a table that holds no rows itself, and a table that is gone", () => {
    const partitioned = table({ a: { type: "text" } }, { partitionBy: "RANGE (a)" });
    expect(kept(partitioned, partitioned)).toEqual({});
    expect(
      keptColumns(shape(table({ a: { type: "text" } })), { format: "rehearsal-shape/1", objects: {} }),
    ).toEqual({});
  });

  test("take a column called __proto__ for what it is", () => {
    const odd = table(JSON.parse('{"__proto__": {"type": "text"}}') as Record<string, Json>);
    expect(kept(odd, odd)).toEqual({ '"app"."T"""': ["__proto__"] });
    expect(kept(odd, table({}))).toEqual({ '"app"."T"""': [] });
  });
});
