/** The tools whose own record of what they applied is read. */
import type { FormatName } from "./format.ts";

export interface HistoryTable {
  table: string;
  /** Where the tool has a schema of its own. */
  schema?: string;
}

/** What each tool calls its record. */
export const HISTORY_TABLES = {
  dbmate: { table: "schema_migrations" },
  flyway: { table: "flyway_schema_history" },
  "golang-migrate": { table: "schema_migrations" },
  goose: { table: "goose_db_version" },
  prisma: { table: "_prisma_migrations" },
  drizzle: { table: "__drizzle_migrations", schema: "drizzle" },
  sqitch: { table: "changes", schema: "sqitch" },
  "graphile-migrate": { table: "migrations", schema: "graphile_migrate" },
  "node-pg-migrate": { table: "pgmigrations" },
} as const satisfies { readonly [K in FormatName]?: HistoryTable };

export type HistoryTool = keyof typeof HISTORY_TABLES;

/** In the order of the table above. */
export const HISTORY_TOOLS = Object.keys(HISTORY_TABLES) as HistoryTool[];
