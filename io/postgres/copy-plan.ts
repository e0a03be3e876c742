/** What is to be copied: each table by the statement pg_dump would have read it with, large objects in runs; the largest first. */
import type { Archive, ArchiveEntry } from "../../core/archive.ts";
import { RehearsalError } from "../../core/errors.ts";
import { quoteName, quoteQualified } from "../../core/names.ts";
import { copyLargeObjectsOut, groupLargeObjects } from "./large-objects.ts";
import type { Session } from "./session.ts";

/** One COPY and the one object it fills. */
export interface CopyUnit {
  /** Without the folder: `data/17.zst`. */
  name: string;
  /** COPY … TO stdout. */
  copyOut: string;
  /** Undefined for large objects. */
  table: CopiedTable | undefined;
  /** The size on disk, for the order and for showing progress. */
  bytes: number;
  /** By the planner's statistics. */
  rows: number;
}

export interface CopiedTable {
  tocId: number;
  /** Quoted and qualified. */
  name: string;
  copyInto: string;
  /** False when the COPY has a condition: an extension's configuration table gives only the rows the user added. */
  whole: boolean;
}

/** `copies` are pg_dump's COPY statements in the order of the archive's data entries. */
export async function planCopies(holder: Session, archive: Archive, copies: string[]): Promise<CopyUnit[]> {
  const entries = archive.entries.filter((entry) => entry.kind === "TABLE DATA");
  if (entries.length !== copies.length)
    throw mismatch(holder, `${copies.length} COPY statements for ${entries.length} tables`);
  const sizes = await readSizes(holder, entries);
  const tables = entries.map((entry, place): CopyUnit => {
    const copyOut = (copies[place] ?? "").replace(/;$/, "");
    if (!reads(copyOut, entry)) throw mismatch(holder, `"${copyOut.slice(0, 100)}" is not for ${entry.tag}`);
    const table = {
      tocId: entry.id,
      name: quoteQualified(entry.schema ?? "public", entry.tag),
      copyInto: copyStatement(entry),
      whole: !copyOut.startsWith("COPY ("),
    };
    return {
      name: `data/${entry.id}.zst`,
      copyOut,
      table,
      ...(sizes.get(entry.oid) ?? { bytes: 0, rows: 0 }),
    };
  });
  const groups = archive.entries.some((entry) => entry.kind === "BLOBS")
    ? await groupLargeObjects(holder)
    : [];
  const largeObjects = groups.map(
    (group, place): CopyUnit => ({
      name: `large-objects/${place}.zst`,
      copyOut: copyLargeObjectsOut(group),
      table: undefined,
      bytes: group.bytes,
      rows: 0,
    }),
  );
  return [...tables, ...largeObjects].sort((one, other) => other.bytes - one.bytes);
}

/** The entry's COPY … FROM stdin, without the semicolon. */
export function copyStatement(entry: ArchiveEntry): string {
  return entry.copy.trim().replace(/;$/, "");
}

async function readSizes(holder: Session, entries: ArchiveEntry[]) {
  const found = await holder.query<{ oid: string; bytes: string; rows: number }>(
    `select oid::text as oid, pg_table_size(oid)::text as bytes, greatest(reltuples, 0)::float8 as rows
      from pg_class where oid = any($1::oid[])`,
    [entries.map((entry) => entry.oid)],
  );
  return new Map(
    found.map(({ oid, bytes, rows }) => [oid, { bytes: Number(bytes), rows: Math.round(rows) }]),
  );
}

/** Whether the statement names the entry's table; pg_dump quotes a name only when it has to. */
function reads(copyOut: string, { schema = "public", tag }: ArchiveEntry): boolean {
  return [schema, quoteName(schema)].some((first) =>
    [tag, quoteName(tag)].some((second) => copyOut.includes(`${first}.${second} `)),
  );
}

function mismatch(holder: Session, reason: string): RehearsalError {
  return new RehearsalError("DumpFailed", {
    database: holder.address.database,
    reason: `its list of tables does not fit its table of contents: ${reason}`,
  });
}
