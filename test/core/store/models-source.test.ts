/** The module that an application imports: it runs, and its schemas take what a store has. */
import { stripTypeScriptTypes } from "node:module";
import { expect, test } from "vitest";
import type * as z from "zod";
import { modelsSource } from "../../../core/store/models-source.ts";
import { definitionOf, type LockParts } from "./a-definition.ts";

const PARTS: LockParts = {
  enums: { "public.thing": ["a", 'b"'] },
  tables: {
    "public.things": {
      columns: {
        ...{ id: "uuid", "odd */ name": "integer?", kind: "public.thing", kinds: "public.thing[]" },
        ...{ big: "bigint", price: "numeric(5,2)", real: "real", code: "character(2)", note: "jsonb?" },
        ...{ data: "bytea", secret: { type: "text", nullable: false, encrypted: true } },
      },
      constraints: { pkey: "PRIMARY KEY (id)" },
    },
  },
};

const ROW = {
  ...{ id: "00000000-0000-0000-0000-00000000000a", "odd */ name": null, kind: "a", kinds: ["a", null] },
  ...{
    big: "-5",
    price: "1.50",
    real: "NaN",
    code: "x ",
    note: { $jsonb: "1.0" },
    data: "AAE=",
    secret: "s",
  },
};

test("the generated module runs, and its schemas take a store's rows and no others", async () => {
  const definition = definitionOf("models: { Thing: { file: things.json } }", PARTS);
  const source = modelsSource(definition);
  expect(modelsSource(structuredClone(definition))).toBe(source);
  // The enum has a model's name.
  expect(source).toContain('export const ThingLabel = z.enum(["a","b\\""]);');
  expect(source).toContain("/** Encrypted by the application. */");
  const script = stripTypeScriptTypes(source).replace('"zod"', JSON.stringify(import.meta.resolve("zod")));
  const module = (await import(`data:text/javascript,${encodeURIComponent(script)}`)) as {
    Thing: z.ZodObject;
    models: unknown;
  };
  expect(module.models).toEqual(definition);
  expect(module.Thing.parse(ROW)).toEqual(ROW);
  for (const wrong of [
    { id: 5 },
    { kind: "c" },
    { "odd */ name": 1.5 },
    { price: "x" },
    { code: "xyz" },
    { more: 1 },
  ])
    expect(module.Thing.safeParse({ ...ROW, ...wrong }).success).toBe(false);
});
