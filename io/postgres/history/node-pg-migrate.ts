/** node-pg-migrate's pgmigrations: the name of each file that ran. */
import { claimOf, type HistoryReader } from "./history.ts";

export const nodePgMigrateHistory: HistoryReader = {
  table: "pgmigrations",
  columns: ["name", "run_on"],
  async read(session, table, { migrations }) {
    const rows = await session.query<{ name: string }>(`select name from ${table} order by run_on, name`);
    return rows.map(({ name }) =>
      claimOf(
        name,
        migrations.find(({ key }) => key === name),
      ),
    );
  },
};
