/** The history tables that are read, by their tool; and finding the one in a database. */

import type { Claim } from "../../../core/adoption.ts";
import type { OwnedObjects } from "../../../core/adoption-shape.ts";
import { RehearsalError } from "../../../core/errors.ts";
import type { HistoryTool } from "../../../core/formats/history-tools.ts";
import { quoteQualified } from "../../../core/names.ts";
import type { Session } from "../session.ts";
import { dbmateHistory } from "./dbmate.ts";
import { drizzleHistory } from "./drizzle.ts";
import { flywayHistory } from "./flyway.ts";
import { golangMigrateHistory } from "./golang-migrate.ts";
import { gooseHistory } from "./goose.ts";
import { graphileMigrateHistory } from "./graphile-migrate.ts";
import { type HistoryContext, type HistoryReader, ownedBy } from "./history.ts";
import { nodePgMigrateHistory } from "./node-pg-migrate.ts";
import { prismaHistory } from "./prisma.ts";
import { sqitchHistory } from "./sqitch.ts";

const HISTORIES: { readonly [K in HistoryTool]: HistoryReader } = {
  dbmate: dbmateHistory,
  flyway: flywayHistory,
  "golang-migrate": golangMigrateHistory,
  goose: gooseHistory,
  prisma: prismaHistory,
  drizzle: drizzleHistory,
  sqitch: sqitchHistory,
  "graphile-migrate": graphileMigrateHistory,
  "node-pg-migrate": nodePgMigrateHistory,
};

interface History {
  /** The table's name, quoted where it has to be said in SQL. */
  table: string;
  owned: OwnedObjects;
  claims: Claim[];
}

/** Reads a tool's history; throws `HistoryMissing`, and `HistoryUnclear` when there are several or it is another tool's. */
export async function readHistory(
  session: Session,
  tool: HistoryTool,
  context: HistoryContext,
): Promise<History> {
  const found = await findHistory(session, tool);
  const table = quoteQualified(found.schema, found.table);
  return {
    table,
    owned: ownedBy(HISTORIES[tool], found),
    claims: await HISTORIES[tool].read(session, table, context),
  };
}

/** What the tool's history takes up in a database's shape; undefined where there is none. */
export async function findOwned(session: Session, tool: HistoryTool): Promise<OwnedObjects | undefined> {
  const [found] = await tablesOf(session, HISTORIES[tool]);
  return found && ownedBy(HISTORIES[tool], found);
}

async function findHistory(session: Session, tool: HistoryTool) {
  const reader = HISTORIES[tool];
  const tables = await tablesOf(session, reader);
  const [found, another] = tables;
  if (found === undefined)
    throw new RehearsalError("HistoryMissing", {
      tool,
      table: reader.schema === undefined ? reader.table : `${reader.schema}.${reader.table}`,
    });
  const missing = reader.columns.filter((column) => !found.columns.includes(column));
  const named = (one: { schema: string; table: string }) => quoteQualified(one.schema, one.table);
  if (another !== undefined)
    throw new RehearsalError("HistoryUnclear", {
      tool,
      problem: `${tables.map(named).join(" and ")} both have its name`,
    });
  if (missing.length > 0)
    throw new RehearsalError("HistoryUnclear", {
      tool,
      problem: `${named(found)} lacks ${missing.join(", ")}`,
    });
  return found;
}

/** The tables that have the name; in the tool's own schema where it has one. */
function tablesOf(session: Session, { table, schema }: HistoryReader) {
  return session.query<{ schema: string; table: string; columns: string[] }>(
    `select n.nspname as schema, c.relname as table, array(
        select attname::text from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped) as columns
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relname = $1 and c.relkind in ('r', 'p') and ($2::text is null or n.nspname = $2)
        and n.nspname not in ('pg_catalog', 'information_schema', 'rehearsal') and n.nspname not like 'pg\\_%'
      order by n.nspname`,
    [table, schema ?? null],
  );
}
