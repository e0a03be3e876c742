/** dbmate's schema_migrations: a version in each row. */
import { claimOf, type HistoryReader } from "./history.ts";

export const dbmateHistory: HistoryReader = {
  table: "schema_migrations",
  columns: ["version"],
  async read(session, table, { migrations }) {
    const rows = await session.query<{ version: string }>(
      `select version::text as version from ${table} order by version`,
    );
    return rows.map(({ version }) =>
      claimOf(
        version,
        migrations.find(({ key }) => key === version),
      ),
    );
  },
};
