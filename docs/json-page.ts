/** docs/json.md: what each command writes with --json, from the schemas that its answers are held to. */
import * as z from "zod";
import { JSON_SHAPES, refusal } from "../cli/json-shapes.ts";

export function jsonPage(): string {
  return `${[
    "# What `--json` writes",
    "",
    "Written by `node docs/generate.ts` from `cli/json-shapes.ts`.",
    "",
    "With `--json` a command writes one JSON document to standard output, and nothing else there. Its shape is stable: what is named here keeps its name and its type, and more may come to stand beside it, so a reader passes over what it does not know. `…` marks where more stands today. What goes wrong is written as",
    "",
    ...block(refusal),
    "",
    "whatever the command; its codes are those of [errors.md](errors.md), and the [exit code](cli.md#exit-codes) tells the kind.",
    "",
    ...Object.entries(JSON_SHAPES).flatMap(([words, shapes]) => [
      `## \`rehearsal ${words}\``,
      "",
      ...shapes.flatMap((shape, index) => [...(index > 0 ? ["or", ""] : []), ...block(shape), ""]),
    ]),
  ]
    .join("\n")
    .trimEnd()}\n`;
}

function block(shape: z.ZodType): string[] {
  return [
    "```ts",
    typeText(z.toJSONSchema(shape, { io: "output", unrepresentable: "any" }) as Schema, ""),
    "```",
  ];
}

interface Schema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
}

/** A JSON Schema as a type of TypeScript. */
function typeText(schema: Schema, indent: string): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.anyOf) return schema.anyOf.map((one) => typeText(one, indent)).join(" | ");
  if (Array.isArray(schema.type))
    return schema.type.map((type) => typeText({ ...schema, type }, indent)).join(" | ");
  if (schema.type === "array") return `Array<${typeText(schema.items ?? {}, indent)}>`;
  if (schema.type === "object") return objectText(schema, indent);
  return (
    { integer: "number", null: "null", string: "string", number: "number", boolean: "boolean" }[
      schema.type ?? ""
    ] ?? "unknown"
  );
}

function objectText(
  { properties = {}, required = [], additionalProperties }: Schema,
  indent: string,
): string {
  const inner = `${indent}  `;
  const lines = Object.entries(properties).map(
    ([name, of]) => `${inner}${name}${required.includes(name) ? "" : "?"}: ${typeText(of, inner)};`,
  );
  if (lines.length === 0) {
    const of = typeof additionalProperties === "object" ? typeText(additionalProperties, inner) : "unknown";
    return `Record<string, ${of}>`;
  }
  if (additionalProperties !== false) lines.push(`${inner}…`);
  return `{\n${lines.join("\n")}\n${indent}}`;
}
