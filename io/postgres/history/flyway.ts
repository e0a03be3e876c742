/** Flyway's flyway_schema_history: a row for each script, with the CRC-32 of its lines. */

import { crc32 } from "node:zlib";
import type { Claim } from "../../../core/adoption.ts";
import { compareDotted, plainVersion } from "../../../core/formats/flyway.ts";
import { fileName } from "../../../core/formats/format.ts";
import { HISTORY_TABLES } from "../../../core/formats/history-tools.ts";
import { byKey, claimOf, type HistoryContext, type HistoryFile, type HistoryReader } from "./history.ts";

interface Row {
  version: string | null;
  description: string;
  type: string;
  script: string;
  checksum: number | null;
  success: boolean;
}

export const flywayHistory: HistoryReader = {
  ...HISTORY_TABLES.flyway,
  columns: ["installed_rank", "version", "description", "type", "script", "checksum", "success"],
  async read(session, table, context) {
    const rows = await session.query<Row>(
      `select version, description, type, script, checksum, success from ${table} order by installed_rank`,
    );
    const known = byKey(context.migrations, plainVersion);
    return standing(rows).flatMap((row) => claimsOf(row, context, known));
  },
};

/** CRC-32 over the lines without their ends, as a signed number: what Flyway's checksum of a script is. */
export function flywayChecksum(bytes: Uint8Array): number {
  const text = new TextDecoder().decode(bytes);
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines.reduce((sum, line) => crc32(line, sum), 0) | 0;
}

/** The rows that still stand: the newest of each script, unless it was undone or deleted since. */
function standing(rows: readonly Row[]): Row[] {
  const newest = new Map<string, Row>();
  for (const row of rows) {
    if (row.type === "SCHEMA") continue;
    const key = row.version ?? `R ${row.description}`;
    if (row.success && (row.type === "DELETE" || row.type.startsWith("UNDO"))) newest.delete(key);
    else {
      newest.delete(key);
      newest.set(key, row);
    }
  }
  return [...newest.values()];
}

function claimsOf(row: Row, context: HistoryContext, known: ReadonlyMap<string, HistoryFile>): Claim[] {
  const { version, type, script, success } = row;
  const told = version === null ? script : `${version} (${script})`;
  if (!success) return [{ told, fault: "failed" }];
  if (type === "BASELINE") return baselineOf(version ?? "", context.migrations);
  if (!/^SQL(?:_BASELINE)?$/.test(type)) return [{ told, fault: `was written as a program (${type})` }];
  if (version === null) return repeatableOf(row, context.repeatables);
  const file = known.get(plainVersion(version));
  return [claimOf(told, file, file === undefined ? {} : checksumOf(row, file))];
}

/** A baseline says of everything up to its version that it is there, without having run any of it. */
function baselineOf(version: string, migrations: readonly HistoryFile[]): Claim[] {
  const meant = migrations.filter(({ key }) => compareDotted(key, version) <= 0);
  const told = `the baseline ${version}`;
  return meant.length === 0 ? [{ told }] : meant.map((file) => claimOf(told, file));
}

/** A repeatable script that was changed since is simply to run again. */
function repeatableOf(row: Row, repeatables: readonly HistoryFile[]): Claim[] {
  const file = repeatables.find(({ path }) => fileName(path) === fileName(row.script));
  if (file === undefined || flywayChecksum(file.bytes) !== row.checksum) return [];
  return [{ ...claimOf(row.script, file), repeatable: true }];
}

function checksumOf({ checksum }: Row, { bytes }: HistoryFile): Partial<Claim> {
  if (checksum === null) return {};
  return { checksum: { said: String(checksum), is: String(flywayChecksum(bytes)) } };
}
