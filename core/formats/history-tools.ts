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
