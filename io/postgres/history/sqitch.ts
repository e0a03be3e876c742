/** Sqitch's changes: a row for each deployed change, with the SHA-1 of its script. */

import { createHash } from "node:crypto";
import { fileName } from "../../../core/formats/format.ts";
import { HISTORY_TABLES } from "../../../core/formats/history-tools.ts";
import { claimOf, type HistoryReader } from "./history.ts";

export const sqitchHistory: HistoryReader = {
  ...HISTORY_TABLES.sqitch,
  columns: ["change_id", "script_hash", "change", "project", "committed_at"],
  async read(session, table, { migrations, files }) {
    const plan = files.find(({ path }) => fileName(path) === "sqitch.plan");
    const [, project] = /^%project=(\S+)/m.exec(Buffer.from(plan?.bytes ?? "").toString("utf8")) ?? [];
    const rows = await session.query<{ change: string; hash: string | null }>(
      `select change, script_hash as hash from ${table} where $1::text is null or project = $1
        order by committed_at, planned_at`,
      [project ?? null],
    );
    const seen = new Map<string, number>();
    const forms = Map.groupBy(migrations, ({ key }) => key.replace(/@.*$/, ""));
    return rows.map(({ change, hash }) => {
      // A reworked change has a row for each of its forms, and a script in the sequence.
      const before = seen.get(change) ?? 0;
      seen.set(change, before + 1);
      const file = forms.get(change)?.[before];
      const is = file && createHash("sha1").update(file.bytes).digest("hex");
      return claimOf(change, file, {
        ...(is !== undefined && hash !== null && { checksum: { said: hash, is } }),
      });
    });
  },
};
