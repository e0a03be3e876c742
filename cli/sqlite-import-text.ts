/** An import from SQLite in words. */
import * as z from "zod";
import { facts, plain, rows } from "./text.ts";

const outcomeSchema = z.looseObject({
  file: z.string(),
  imported: z.boolean(),
  changed: z.boolean(),
  dryRun: z.boolean(),
  tables: z.number(),
  rows: z.number(),
  refusal: z.looseObject({ code: z.string(), message: z.string(), hint: z.string() }).optional(),
});

/** Why nothing came over, where it did not. */
export function sqliteRefusal(outcome: unknown): { code: string; message: string; hint: string } | undefined {
  return outcomeSchema.safeParse(outcome).data?.refusal;
}

export function describeSqliteImport(id: string, outcome: unknown): string {
  const { file, tables, rows: count, changed, dryRun, refusal } = outcomeSchema.parse(outcome);
  if (refusal !== undefined)
    return `${id}: nothing came over\n${facts({ reason: refusal.message, hint: refusal.hint, code: refusal.code })}`;
  const what = `${plain(file)}: ${tables} tables, ${rows(count)}`;
  if (dryRun) return `${what} would come over whole; nothing was written`;
  return changed
    ? `${what} came over, and Postgres holds what the file has`
    : `${what} are all there already; nothing was changed`;
}

const tableSchema = z.looseObject({
  table: z.string(),
  into: z.string(),
  status: z.string(),
  sqlite: z.looseObject({ rows: z.number(), checksum: z.string() }),
  refused: z.number(),
});

export const sqliteReport = z.looseObject({
  tables: z.array(tableSchema),
  left: z.array(z.looseObject({ table: z.string(), reason: z.string() })),
  views: z.array(z.string()),
});
