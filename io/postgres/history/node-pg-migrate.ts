/** node-pg-migrate's pgmigrations: the name of each file that ran. */
import { HISTORY_TABLES } from "../../../core/formats/history-tools.ts";
import { byKey, claimOf, type HistoryReader } from "./history.ts";

export const nodePgMigrateHistory: HistoryReader = {
  ...HISTORY_TABLES["node-pg-migrate"],
  columns: ["name", "run_on"],
  async read(session, table, { migrations }) {
    const rows = await session.query<{ name: string }>(`select name from ${table} order by run_on, name`);
    const known = byKey(migrations);
    return rows.map(({ name }) => claimOf(name, known.get(name)));
  },
};
