/** Prisma's _prisma_migrations: a row for each attempt at a migration, with the SHA-256 of its script. */

import { sha256 } from "../../../core/digest.ts";
import { HISTORY_TABLES } from "../../../core/formats/history-tools.ts";
import { byKey, claimOf, type HistoryReader } from "./history.ts";

export const prismaHistory: HistoryReader = {
  ...HISTORY_TABLES.prisma,
  columns: ["migration_name", "checksum", "finished_at", "rolled_back_at", "started_at"],
  async read(session, table, { migrations }) {
    const rows = await session.query<{ name: string; checksum: string; finished: boolean }>(
      `select migration_name as name, checksum, finished_at is not null as finished from ${table}
        where rolled_back_at is null order by started_at`,
    );
    const known = byKey(migrations);
    return rows.map(({ name, checksum, finished }) => {
      const file = known.get(name);
      return claimOf(name, file, {
        ...(!finished && { fault: "failed, and was neither finished nor rolled back" }),
        ...(file !== undefined && { checksum: { said: checksum, is: checksumLike(checksum, file.bytes) } }),
      });
    });
  },
};

/** Prisma takes a script for the same when only its line ends were changed. */
function checksumLike(said: string, bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("utf8");
  const unix = text.replaceAll("\r\n", "\n");
  const forms = [bytes, unix, unix.replaceAll("\n", "\r\n")].map((form) => sha256(form));
  return forms.find((form) => form === said) ?? sha256(bytes);
}
