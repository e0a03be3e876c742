/** The tables of a shape as an inventory speaks of them. */
import * as z from "zod";
import type { Shape } from "./shape.ts";

/** A table as a shape has it. */
export const liveTable = z.object({
  schema: z.string(),
  name: z.string(),
  comment: z.string().optional(),
  /** In the table's order; `type` is a domain's base type. */
  columns: z.array(z.object({ name: z.string(), type: z.string(), comment: z.string().optional() })),
});

export type LiveTable = z.infer<typeof liveTable>;

/** The tables that need an entry: partitions are their parent's, and what an extension brought is no part of a shape. */
export function tablesOf(shape: Shape): LiveTable[] {
  const tables: LiveTable[] = [];
  for (const [address, value] of Object.entries(shape.objects)) {
    if (!address.startsWith("table ")) continue;
    const { schema, name, comment, columns, order, partitionOf } = value as unknown as TableFacts;
    if (partitionOf !== undefined) continue;
    tables.push({
      schema,
      name,
      ...(comment !== undefined && { comment }),
      columns: (order ?? Object.keys(columns)).map((column) => {
        const facts = columns[column];
        return {
          name: column,
          type: baseType(shape, facts?.type ?? ""),
          ...(facts?.comment !== undefined && { comment: facts.comment }),
        };
      }),
    });
  }
  return tables;
}

export const isJson = (type: string) => /^jsonb?(\[\])?$/.test(type);

/** Types that may hold what an application has encrypted. */
export const holdsCiphertext = (type: string) =>
  /^(bytea|text|character varying|character|(\w+\.)?citext)(\(\d+\))?(\[\])?$/.test(type);

interface TableFacts {
  schema: string;
  name: string;
  comment?: string;
  columns: Record<string, { type: string; comment?: string }>;
  order?: string[];
  partitionOf?: string;
}

/** What a domain is made of, through domains over domains. */
function baseType(shape: Shape, type: string): string {
  const facts = Object.hasOwn(shape.objects, `domain ${type}`)
    ? (shape.objects[`domain ${type}`] as { type?: string })
    : undefined;
  return facts?.type === undefined ? type : baseType(shape, facts.type);
}
