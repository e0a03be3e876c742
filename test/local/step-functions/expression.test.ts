import { expect, test } from "vitest";
import type { Json } from "../../../core/canonical-json.ts";
import { evaluate } from "../../../local/step-functions/expression.ts";

const evaluated = (template: Json, input: Json = null, variables: Record<string, Json> = {}) =>
  evaluate(template, { states: { input, context: {} }, variables }, "Output");

test("a string that is not wholly {% … %} is itself", async () => {
  expect(await evaluated("$states.input")).toBe("$states.input");
  expect(await evaluated(" {% 1 %}")).toBe(" {% 1 %}");
  expect(await evaluated("{% 1 + 1 %}")).toBe(2);
});

test("expressions are evaluated wherever they stand in a value, and all see the same variables", async () => {
  expect(
    await evaluated(
      { a: ["{% $states.input.n %}", { b: "{% $old & '!' %}" }], c: true },
      { n: [1, 2] },
      { old: "v" },
    ),
  ).toEqual({ a: [[1, 2], { b: "v!" }], c: true });
});

test("the functions AWS adds are there", async () => {
  expect(await evaluated("{% $partition([1,2,3,4,5], 2) %}")).toEqual([[1, 2], [3, 4], [5]]);
  expect(await evaluated("{% $range(0, 10, 5) %}")).toEqual([0, 5, 10]);
  expect(await evaluated("{% $range(3, 1, -1) %}")).toEqual([3, 2, 1]);
  expect(await evaluated("{% $hash('abc', 'SHA-256') %}")).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  expect(await evaluated("{% $hash('abc', 'MD5') %}")).toBe("900150983cd24fb0d6963f7d28e17f72");
  expect(await evaluated("{% $random(7) = $random(7) and $random() < 1 %}")).toBe(true);
  expect(await evaluated("{% $uuid() %}")).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  expect(await evaluated("{% $parse('{\"a\":[1]}').a[0] %}")).toBe(1);
});

test.each([
  ["{% $eval('1') %}", /\$eval is not supported/],
  ["{% $states.input.missing %}", /returned nothing \(undefined\)/],
  ["{% $ %}", /returned nothing \(undefined\)/],
  ["{% bare %}", /returned nothing \(undefined\)/],
  ["{% function($x) { $x } %}", /unsupported result type/],
  ["{% 1 + 'a' %}", /threw an error during evaluation/],
  ["{% $hash('a', 'CRC32') %}", /\$hash takes/],
  ["{% $range(1, 5000, 1) %}", /at most 1000/],
])("%s fails as States.QueryEvaluationError and says where", async (template, cause) => {
  await expect(evaluated({ at: template })).rejects.toMatchObject({
    fault: { Error: "States.QueryEvaluationError", Cause: expect.stringMatching(cause) },
    location: "Output/at",
  });
});

test("abuse 36: a member named __proto__ is data, in templates and in results", async () => {
  const template = JSON.parse('{"__proto__": {"polluted": "{% 1 %}"}}') as Json;
  const value = (await evaluated(template)) as object;
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  expect(JSON.stringify(value)).toBe('{"__proto__":{"polluted":1}}');
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});
