/** graphile-migrate's migrations: the hash of each committed migration, which covers the ones before it too. */

import { headerHash } from "../../../core/formats/graphile-migrate.ts";
import { HISTORY_TABLES } from "../../../core/formats/history-tools.ts";
import { byKey, claimOf, type HistoryReader } from "./history.ts";

export const graphileMigrateHistory: HistoryReader = {
  ...HISTORY_TABLES["graphile-migrate"],
  columns: ["hash", "previous_hash", "filename"],
  async read(session, table, { migrations }) {
    const rows = await session.query<{ hash: string; filename: string }>(
      `select hash, filename from ${table} order by filename collate "C"`,
    );
    const known = byKey(migrations);
    return rows.map(({ hash, filename }) => {
      const file = known.get(/^\d+/.exec(filename)?.[0] ?? "");
      const is = file && headerHash(Buffer.from(file.bytes).toString("utf8"));
      return claimOf(filename, file, { ...(is !== undefined && { checksum: { said: hash, is } }) });
    });
  },
};
