/** Drizzle's __drizzle_migrations: the journal's moment of each migration, with the SHA-256 of its file. */

import { sha256 } from "../../../core/digest.ts";
import { DRIZZLE_JOURNAL, entriesOf } from "../../../core/formats/drizzle.ts";
import { HISTORY_TABLES } from "../../../core/formats/history-tools.ts";
import { byKey, claimOf, type HistoryReader } from "./history.ts";

export const drizzleHistory: HistoryReader = {
  ...HISTORY_TABLES.drizzle,
  columns: ["id", "hash", "created_at"],
  async read(session, table, { migrations, files }) {
    const journal = files.find(({ path }) => path.endsWith(`/${DRIZZLE_JOURNAL}`));
    const tags = new Map(
      (journal === undefined ? [] : entriesOf(journal)).map(({ when, tag }) => [String(when), tag]),
    );
    const rows = await session.query<{ hash: string; moment: string }>(
      `select hash, created_at::text as moment from ${table} order by id`,
    );
    const known = byKey(migrations);
    return rows.map(({ hash, moment }) => {
      const file = known.get(tags.get(moment) ?? "");
      return claimOf(file?.key ?? `${moment} (${hash.slice(0, 12)})`, file, {
        ...(file !== undefined && {
          checksum: { said: hash, is: sha256(Buffer.from(file.bytes).toString("utf8")) },
        }),
      });
    });
  },
};
