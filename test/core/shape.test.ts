import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "../../core/canonical-json.ts";
import { addressOf, describeDifference, diffShapes, fingerprint, type Shape } from "../../core/shape.ts";

const facts = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
const address = fc.oneof(
  fc.constantFrom("table a.b", "view a.c", 'table "__proto__"', "index x"),
  fc.string(),
);
const shape: fc.Arbitrary<Shape> = fc
  .dictionary(address, facts, { maxKeys: 6 })
  .map((objects) => ({ format: "rehearsal-shape/1", objects }));

const shapeOf = (objects: Record<string, Json>): Shape => ({ format: "rehearsal-shape/1", objects });

describe("diffShapes", () => {
  test("is empty exactly when the fingerprints are equal", () => {
    fc.assert(
      fc.property(shape, shape, (one, other) => {
        expect(diffShapes(one, other).length === 0).toBe(fingerprint(one) === fingerprint(other));
        expect(diffShapes(one, structuredClone(one))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test("names exactly the object that was changed, and some path in it", () => {
    fc.assert(
      fc.property(shape, address, facts, (one, changed, value) => {
        const other = shapeOf({ ...one.objects, [changed]: value });
        const differences = diffShapes(one, other);
        const equal = fingerprint(one) === fingerprint(other);
        expect(differences.map((difference) => difference.address)).toEqual(equal ? [] : [changed]);
        const [only] = differences;
        if (only?.kind === "changed") expect(only.paths.length).toBeGreaterThan(0);
        if (only !== undefined) expect(describeDifference(only)).toContain(changed);
      }),
      { numRuns: 500 },
    );
  });

  test("reads backwards what it reads forwards", () => {
    fc.assert(
      fc.property(shape, shape, (one, other) => {
        const turned = { added: "removed", removed: "added", changed: "changed" };
        expect(diffShapes(other, one).map(({ address, kind, paths }) => [address, kind, paths])).toEqual(
          diffShapes(one, other).map(({ address, kind, paths }) => [address, turned[kind], paths]),
        );
      }),
    );
  });
});

describe("describeDifference", () => {
  const told = (expected: Record<string, Json>, actual: Record<string, Json>) =>
    diffShapes(shapeOf(expected), shapeOf(actual)).map(describeDifference);

  test("tells what is, and what was expected", () => {
    const column = (type: string) => ({ columns: { "a.b": { type }, id: { type: "bigint" } } });
    expect(told({ "table app.t": column("text") }, { "table app.t": column("integer") })).toEqual([
      'table app.t: columns."a.b".type is "integer", expected "text"',
    ]);
    expect(told({ "table app.t": {} }, { "table app.t": { unlogged: true } })).toEqual([
      "table app.t: unlogged is true, expected not set",
    ]);
    expect(told({ "view v": {} }, { "view w": {} })).toEqual([
      "view v is missing",
      "view w is there, but was not expected",
    ]);
  });

  test("tells three facts in full and counts the rest", () => {
    const [sentence] = told({ t: { a: 1, b: 1, c: 1, d: 1, e: 1 } }, { t: { a: 2, b: 2, c: 2, d: 2, e: 2 } });
    expect(sentence).toBe("t: a is 2, expected 1; b is 2, expected 1; c is 2, expected 1; and 2 more");
  });
});

describe("addressOf", () => {
  test("abuse 2: keeps names apart that look alike", () => {
    const named = (...name: string[]) => addressOf({ word: "table", name, suffix: null, on: null });
    expect(named("a.b", "c")).toBe('table "a.b".c');
    expect(named("a", "b.c")).toBe('table a."b.c"');
    expect(named("a", "Select")).toBe('table a."Select"');
    expect(named("a", "select")).toBe("table a.select");
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (a, b, c, d) => {
        expect(named(a, b) === named(c, d)).toBe(a === c && b === d);
      }),
    );
  });
});
