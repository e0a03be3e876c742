/** The tools whose own record of what they applied is read. */
import type { FormatName } from "./format.ts";

export const HISTORY_TOOLS = [
  "dbmate",
  "flyway",
  "golang-migrate",
  "goose",
  "prisma",
  "drizzle",
  "sqitch",
  "graphile-migrate",
  "node-pg-migrate",
] as const satisfies FormatName[];

export type HistoryTool = (typeof HISTORY_TOOLS)[number];

export interface HistoryTable {
  table: string;
  /** Where the tool has a schema of its own. */
  schema?: string;
}

/** What each tool calls its record. */
export const HISTORY_TABLES: { readonly [K in HistoryTool]: HistoryTable } = {
  dbmate: { table: "schema_migrations" },
  flyway: { table: "flyway_schema_history" },
  "golang-migrate": { table: "schema_migrations" },
  goose: { table: "goose_db_version" },
  prisma: { table: "_prisma_migrations" },
  drizzle: { table: "__drizzle_migrations", schema: "drizzle" },
  sqitch: { table: "changes", schema: "sqitch" },
  "graphile-migrate": { table: "migrations", schema: "graphile_migrate" },
  "node-pg-migrate": { table: "pgmigrations" },
};
