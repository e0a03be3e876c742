/** dbmate's schema_migrations: a version in each row. */
import { HISTORY_TABLES } from "../../../core/formats/history-tools.ts";
import { byKey, claimOf, type HistoryReader } from "./history.ts";

export const dbmateHistory: HistoryReader = {
  ...HISTORY_TABLES.dbmate,
  columns: ["version"],
  async read(session, table, { migrations }) {
    const rows = await session.query<{ version: string }>(
      `select version::text as version from ${table} order by version`,
    );
    const known = byKey(migrations);
    return rows.map(({ version }) => claimOf(version, known.get(version)));
  },
};
