/** Values for an OpenAPI schema: such as it asks for, and such as nobody should send. */
import fc from "fast-check";
import type { DocumentedSchema } from "../../web/reference.ts";

type Schemas = Record<string, DocumentedSchema>;

/** What has broken others: control characters, lone surrogates, markup, keys of prototypes, paths, quotes, numbers beyond what is exact. */
export const WILD_STRINGS = [
  "",
  " ",
  "\0",
  "a\0b",
  "\ud800",
  "x\udfffy",
  "\r\nX-Injected: 1",
  "\u202e\u200b\ufeff",
  "__proto__",
  "constructor",
  "toString",
  "../../etc/passwd",
  "..\\..",
  "%00%2e%2e%2f",
  "'; drop table ledger.promotions; --",
  '"><script>alert(1)</script>',
  "{{7*7}}",
  "*",
  "null",
  "-1",
  "1e309",
  "9007199254740993",
  "ﷺ".repeat(100),
  "a".repeat(10_000),
];

const wildString = fc.oneof(
  fc.constantFrom(...WILD_STRINGS),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ maxLength: 60 }),
);

const wildNumber = fc.constantFrom(0, -0, -1, 0.1, 2 ** 31, 2 ** 53 + 2, -(2 ** 63), 1e21, 1e308, 5e-324);

/** Any value at all, prototypes' keys among the names. */
const wildValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    wildString,
    wildNumber,
    fc.constantFrom<unknown>(null, true, false),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.oneof(wildString, fc.string({ maxLength: 8 })), tie("value"), { maxKeys: 3 }),
  ),
})).value;

/** Values by the name of a field, with which a request gets behind the doors. */
export type Known = (name: string) => readonly unknown[];

/** What fits the schema, with `known` values where there are some; here and there something that does not fit. */
export function valueFor(
  schema: DocumentedSchema,
  schemas: Schemas,
  known: Known,
  name = "",
  depth = 0,
): fc.Arbitrary<unknown> {
  const fitting = fits(schema, schemas, known, name, depth);
  const there = known(name);
  return fc.oneof(
    { arbitrary: fitting, weight: there.length > 0 ? 2 : 12 },
    ...(there.length > 0 ? [{ arbitrary: fc.constantFrom(...there), weight: 12 }] : []),
    { arbitrary: wildValue, weight: 1 },
  );
}

function fits(
  schema: DocumentedSchema,
  schemas: Schemas,
  known: Known,
  name: string,
  depth: number,
): fc.Arbitrary<unknown> {
  const next = (one: DocumentedSchema, of = name) => valueFor(one, schemas, known, of, depth + 1);
  const ref = schema.$ref?.split("/").at(-1);
  if (ref !== undefined) return next(schemas[ref] ?? {});
  const either = schema.anyOf ?? schema.oneOf;
  if (either !== undefined) return fc.oneof(...either.map((one) => next(one)));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const [type, ...others] = [schema.type ?? "any"].flat();
  if (others.length > 0)
    return fc.oneof(...[type, ...others].map((one) => next({ ...schema, type: one ?? "null" })));
  switch (type) {
    case "string":
      return stringFor(schema);
    case "integer":
      return fc.integer(bounds(schema));
    case "number":
      return fc.oneof(fc.integer(bounds(schema)), fc.double({ ...bounds(schema), noNaN: true }));
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return fc.array(next(schema.items ?? {}), { maxLength: depth > 4 ? 0 : 3 });
    case "object":
      return objectFor(schema, next);
    default:
      return wildValue;
  }
}

function bounds({ minimum = -1_000, maximum = 1_000 }: DocumentedSchema) {
  return { min: Math.max(-1e9, minimum), max: Math.min(1e9, Math.max(minimum, maximum)) };
}

function stringFor({ format, pattern, minLength = 0, maxLength = 80 }: DocumentedSchema) {
  if (format === "date-time")
    return fc
      .date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true })
      .map((date) => date.toISOString());
  if (format === "uri") return fc.constantFrom("https://nobody.invalid/", "http://127.0.0.1:1/");
  if (pattern !== undefined) return matching(pattern);
  const plain = fc.string({ minLength, maxLength: Math.max(minLength, Math.min(80, maxLength)) });
  return fc.oneof({ arbitrary: plain, weight: 2 }, { arbitrary: wildString, weight: 1 });
}

/** Of patterns that fast-check does not draw from, any string. */
function matching(pattern: string): fc.Arbitrary<string> {
  try {
    return fc.stringMatching(new RegExp(pattern));
  } catch {
    return wildString;
  }
}

function objectFor(
  { properties = {}, required = [], additionalProperties }: DocumentedSchema,
  next: (schema: DocumentedSchema, name?: string) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const fields = Object.entries(properties);
  if (fields.length === 0)
    return fc.dictionary(
      wildString,
      typeof additionalProperties === "object" ? next(additionalProperties) : wildValue,
      { maxKeys: 3 },
    );
  const model = Object.fromEntries(fields.map(([name, schema]) => [name, next(schema, name)]));
  return fc.record(model, { requiredKeys: required.filter((name) => name in model) }).chain((whole) =>
    fc.oneof(
      { arbitrary: fc.constant(whole), weight: 10 },
      {
        arbitrary: fc
          .tuple(fc.constantFrom(...fields.map(([name]) => name)), wildValue)
          .map(([name, wild]) => ({ ...whole, [name]: wild })),
        weight: 2,
      },
      {
        arbitrary: fc.tuple(wildString, wildValue).map(([key, wild]) => ({ ...whole, [key]: wild })),
        weight: 1,
      },
    ),
  );
}

/** A JSON document's text, now and then one that is none, or says a name twice, or is deep. */
export function bodyText(value: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  return fc.oneof(
    { arbitrary: value.map((one) => JSON.stringify(one) ?? "null"), weight: 20 },
    {
      arbitrary: fc.constantFrom(
        "",
        "{",
        "\0",
        "[]",
        "null",
        "7",
        '{"environment":"a","environment":{}}',
        '{"__proto__":{"role":"prod"}}',
        `${"[".repeat(10_000)}${"]".repeat(10_000)}`,
        `{"a":${"9".repeat(400)}}`,
      ),
      weight: 1,
    },
  );
}

export { wildString };
