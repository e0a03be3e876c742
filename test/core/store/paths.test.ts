/** Paths of rows: no value leads out of a store, and no two values into one another's file. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { keyTellsPath, mayHold, pathColumns, pathOf, pathPrefix } from "../../../core/store/paths.ts";
import { definitionOf } from "./a-definition.ts";

function modelAt(file: string) {
  const [model] = definitionOf(`models: { Thing: { file: "${file}" } }`, {
    tables: {
      "public.things": {
        columns: { id: "text", kind: "text", count: "integer" },
        constraints: { pkey: "PRIMARY KEY (id)" },
      },
    },
  }).models;
  if (model === undefined) throw new Error("no model");
  return model;
}

const things = modelAt("things/{id}.json");
const at = (id: string) => pathOf(things, { id, kind: "", count: 1 });

test("a plain value stands in its path as it is", () => {
  expect(at("01928c3e-7d5a_x")).toBe("things/01928c3e-7d5a_x.json");
  expect(pathOf(modelAt("{kind}/{count}-{id}.jsonl"), { id: "a", kind: "b", count: -5 })).toBe(
    "b/-5-a.jsonl",
  );
  expect(pathColumns(modelAt("{kind}/{kind}-{id}.jsonl"))).toEqual(["kind", "id"]);
  expect([keyTellsPath(things), keyTellsPath(modelAt("{kind}.json"))]).toEqual([true, false]);
  expect([pathPrefix("a/b-{id}.json"), pathPrefix("a.json")]).toEqual(["a/b-", "a.json"]);
});

test.each([
  ["..", "things/%2E%2E.json"],
  ["", "things/%00.json"],
  ["a/../b", "things/a%2F%2E%2E%2Fb.json"],
  ["a\\b", "things/a%5Cb.json"],
  ["%2E", "things/%252%45.json"],
  ["Ab", "things/%41b.json"],
  ["é", "things/%C3%A9.json"],
  ["con", "things/%63on.json"],
  ["com1", "things/%63om1.json"],
  ["a".repeat(101), "things/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa~9d0793397991b57a99a07c6e6b4a92bab68dbf60.json"],
])("%j is led nowhere", (id, path) => {
  expect(at(id)).toBe(path);
});

test("no two values have one path, not even where capitals count for nothing", () => {
  // A text holds no NUL: the path of the empty one is free to say so.
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }).map((some) => some.replaceAll("\0", "")),
    fc.string({ unit: fc.constantFrom("a", "A", ".", "/", "%", "~", "é", "2"), maxLength: 120 }),
  );
  fc.assert(
    fc.property(text, text, (one, other) => {
      const [first, second] = [at(one), at(other)];
      expect(first).toMatch(/^things\/(?:[a-z0-9_~-]|%[0-9A-F]{2}){1,100}\.json$/);
      expect(mayHold(things, first)).toBe(true);
      if (one !== other) expect(first.toLowerCase()).not.toBe(second.toLowerCase());
    }),
    { numRuns: 2_000 },
  );
});

test("other paths are not the model's", () => {
  for (const path of ["things/a/b.json", "things/.json", "things/A.json", "thingsxa.json", "x/things/a.json"])
    expect(mayHold(things, path)).toBe(false);
});
