import { describe, expect, test } from "vitest";
import { canonicalJson, type Json } from "../../core/canonical-json.ts";

describe("canonical JSON", () => {
  test.each<[what: string, value: Json, text: string]>([
    ["keys that stand in order", { a: 1, b: { c: [true, null, "x"] } }, '{"a":1,"b":{"c":[true,null,"x"]}}'],
    ["keys that do not", { b: 1, a: 2 }, '{"a":2,"b":1}'],
    [
      "keys that do not further in, among others that do",
      [{ a: { z: 1, y: 2 } }, { b: 1 }],
      '[{"a":{"y":2,"z":1}},{"b":1}]',
    ],
    ["numbers as keys, which the engine holds by size", { 9: "a", 10: "b" }, '{"10":"b","9":"a"}'],
    ["numbers as keys whose order is both", { 10: "b", 11: "a" }, '{"10":"b","11":"a"}'],
    [
      "keys beyond the first plane, by their code units",
      { "\uffff": 1, "\u{1d4b3}": 2 },
      '{"\u{1d4b3}":2,"\uffff":1}',
    ],
    ["a member that is not there", { a: undefined, b: 1 }, '{"b":1}'],
    ["a member called toJSON", { toJSON: "b", a: 1 }, '{"a":1,"toJSON":"b"}'],
    ["a member called __proto__", JSON.parse('{"a":1,"__proto__":{"b":2}}'), '{"__proto__":{"b":2},"a":1}'],
    ["zero without a sign, and small numbers", [-0, 1e-7, 1e21], "[0,1e-7,1e+21]"],
    ["half a character", "\ud800", '"\\ud800"'],
  ])("writes %s", (_, value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  test.each<[what: string, value: Json]>([
    ["in order", { a: 1, b: Number.NaN }],
    ["out of order", { b: Number.POSITIVE_INFINITY, a: 1 }],
    ["in a list", [1, Number.NEGATIVE_INFINITY]],
  ])("refuses what JSON cannot carry, %s", (_, value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });
});
