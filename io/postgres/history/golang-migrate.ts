/** golang-migrate's schema_migrations: one row with the newest version, and whether a migration broke off in it. */

import type { Claim } from "../../../core/adoption.ts";
import { HISTORY_TABLES } from "../../../core/formats/history-tools.ts";
import { compareNumbers } from "../../../core/formats/versions.ts";
import { claimOf, type HistoryReader } from "./history.ts";

export const golangMigrateHistory: HistoryReader = {
  ...HISTORY_TABLES["golang-migrate"],
  columns: ["version", "dirty"],
  async read(session, table, { migrations }) {
    const rows = await session.query<{ version: string; dirty: boolean }>(
      `select version::text as version, dirty from ${table}`,
    );
    return rows.flatMap(({ version, dirty }): Claim[] => {
      const reached = migrations.filter(({ key }) => compareNumbers(key, version) <= 0);
      const last = reached.at(-1);
      const newest = last !== undefined && compareNumbers(last.key, version) === 0 ? last : undefined;
      const fault = dirty ? { fault: "is dirty: a migration broke off in it" } : {};
      return [
        ...reached.filter((file) => file !== newest).map((file) => claimOf(file.key, file)),
        claimOf(version, newest, fault),
      ];
    });
  },
};
