/** goose's goose_db_version: a row whenever a version was applied or taken back; the newest of a version counts. */
import { HISTORY_TABLES } from "../../../core/formats/history-tools.ts";
import { plainNumber } from "../../../core/formats/versions.ts";
import { byKey, claimOf, type HistoryReader } from "./history.ts";

export const gooseHistory: HistoryReader = {
  ...HISTORY_TABLES.goose,
  columns: ["id", "version_id", "is_applied"],
  async read(session, table, { migrations }) {
    const rows = await session.query<{ version: string; applied: boolean }>(
      `select version_id::text as version, is_applied as applied from ${table} where version_id <> 0 order by id`,
    );
    const newest = new Map(rows.map(({ version, applied }) => [version, applied]));
    const known = byKey(migrations, plainNumber);
    return [...newest].flatMap(([version, applied]) =>
      applied ? [claimOf(version, known.get(version))] : [],
    );
  },
};
