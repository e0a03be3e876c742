/** The TypeScript module that an application imports: the types of its rows, their zod schemas, and the definition of its store. */
import { namesOf } from "../shape-names.ts";
import type { ColumnType, Kind } from "./column-type.ts";
import type { StoreColumn, StoreDefinition, StoreModel } from "./definition.ts";

/** The module's text; equal for equal definitions. */
export function modelsSource(definition: StoreDefinition): string {
  const enums = enumsOf(definition);
  return [
    "/** The models of the store, by store.yaml and schema.lock.json: written by `rehearsal store models`, and not changed by hand. */",
    'import type { StoreDefinition, Typed } from "rehearsal/store";',
    'import * as z from "zod";',
    ...[...enums.values()].flatMap(({ name, labels }) => [
      "",
      `export const ${name} = z.enum(${JSON.stringify(labels)});`,
      `export type ${name} = z.infer<typeof ${name}>;`,
    ]),
    ...definition.models.flatMap((model) => ["", ...schemaOf(model, enums)]),
    "",
    "export type Models = {",
    ...definition.models.map(({ name }) => `  ${name}: ${name};`),
    "};",
    "",
    `export const models: StoreDefinition & Typed<Models> = ${JSON.stringify(definition, null, 2)};`,
    "",
  ].join("\n");
}

interface Enum {
  name: string;
  labels: string[];
}

/** By their types as columns name them. */
function enumsOf({ models }: StoreDefinition): Map<string, Enum> {
  const enums = new Map<string, Enum>();
  const taken = new Set(["Models", "StoreDefinition", "Typed", ...models.map(({ name }) => name)]);
  const columns = models.flatMap((model) => model.columns).filter(({ of }) => of.kind === "enum");
  for (const { type, of } of columns.sort((one, other) => (one.type < other.type ? -1 : 1))) {
    const own = enumOf(type);
    if (enums.has(own)) continue;
    let name =
      namesOf(own)
        .at(-1)
        ?.replace(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, upperCase) ?? "";
    if (!/^[A-Z]/.test(name)) name = `Enum${name.replace(/[^A-Za-z0-9]/g, "")}`;
    while (taken.has(name)) name += "Label";
    taken.add(name);
    enums.set(own, { name, labels: of.labels ?? [] });
  }
  return enums;
}

const enumOf = (type: string) => type.replace(/\[\]$/, "");

const upperCase = (_: string, letter: string) => letter.toUpperCase();

function schemaOf(model: StoreModel, enums: ReadonlyMap<string, Enum>): string[] {
  return [
    `/** ${comment(`${model.schema}.${model.table}`)}, by ${comment(model.key.join(", "))}. */`,
    `export const ${model.name} = z.strictObject({`,
    ...model.columns.flatMap((column) => [
      ...(column.encrypted ? ["  /** Encrypted by the application. */"] : []),
      `  ${propertyOf(column.name)}: ${columnSource(column, enums)},`,
    ]),
    "});",
    `export type ${model.name} = z.infer<typeof ${model.name}>;`,
  ];
}

/** Nothing that a name holds ends a comment. */
const comment = (text: string) => text.replaceAll("*/", "* /").replaceAll(/\s+/g, " ");

/** A key that is computed is no prototype, whatever it is called. */
function propertyOf(name: string): string {
  if (name === "__proto__") return '["__proto__"]';
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

function columnSource({ type, of, nullable }: StoreColumn, enums: ReadonlyMap<string, Enum>): string {
  const element = enums.get(enumOf(type))?.name ?? KINDS[of.kind](of);
  const source = of.array ? `z.union([z.array(${element}.nullable()), z.string()])` : element;
  return nullable ? `${source}.nullable()` : source;
}

const characters = ({ length }: ColumnType) =>
  length === undefined
    ? "z.string()"
    : `z.string().refine((text) => [...text.trimEnd()].length <= ${length}, "at most ${length} characters")`;

const float = () => 'z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity", "-0"])])';

const text = () => "z.string()";

/** What a value has to be at least; what of it Postgres would not keep, the store refuses. */
const KINDS: Record<Kind, (type: ColumnType) => string> = {
  int2: () => "z.int().min(-32768).max(32767)",
  int4: () => "z.int32()",
  int8: () => "z.string().regex(/^-?\\d{1,19}$/)",
  numeric: () => "z.string().regex(/^(?:-?\\d+(?:\\.\\d+)?|NaN|-?Infinity)$/)",
  float4: float,
  float8: float,
  bool: () => "z.boolean()",
  text: characters,
  bpchar: characters,
  uuid: () => "z.guid()",
  bytea: () => "z.base64()",
  json: text,
  jsonb: () => "z.json()",
  date: text,
  time: text,
  timestamp: text,
  timestamptz: text,
  enum: ({ labels = [] }) => `z.enum(${JSON.stringify(labels)})`,
  other: text,
};
