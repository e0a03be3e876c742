/** What is to be copied: each table by the statement pg_dump would have read it with, a large one by ranges of its pages, large objects in runs; the largest first. */
import type { Archive, ArchiveEntry } from "../../core/archive.ts";
import { RehearsalError } from "../../core/errors.ts";
import { quoteName, quoteQualified } from "../../core/names.ts";
import { copyLargeObjectsOut, groupLargeObjects } from "./large-objects.ts";
import type { Session } from "./session.ts";

/** One COPY and the one object it fills. */
export interface CopyUnit {
  /** Without the folder: `data/17.zst`, `data/17.000003.zst`. */
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
  /** False when pg_dump's COPY has a condition: an extension's configuration table gives only the rows the user added. */
  whole: boolean;
}

/** What is cut in how large pieces: enough of them that every session has work until the end, few enough that each is worth its upload. */
export const CHUNK_BYTES = 128 * 1024 ** 2;

/**
 * `copies` are pg_dump's COPY statements in the order of the archive's data entries. A table that takes more than `chunkBytes` on
 * disk, with what is stored out of line, is cut into ranges of pages of about that much each.
 */
export async function planCopies(
  holder: Session,
  archive: Archive,
  copies: string[],
  chunkBytes: number,
): Promise<CopyUnit[]> {
  const entries = archive.entries.filter((entry) => entry.kind === "TABLE DATA");
  if (entries.length !== copies.length)
    throw mismatch(holder, `${copies.length} COPY statements for ${entries.length} tables`);
  const sizes = await readSizes(holder, entries);
  const tables = entries.flatMap((entry, place): CopyUnit[] => {
    const copyOut = (copies[place] ?? "").replace(/;$/, "");
    if (!reads(copyOut, entry)) throw mismatch(holder, `"${copyOut.slice(0, 100)}" is not for ${entry.tag}`);
    const table = {
      tocId: entry.id,
      name: quoteQualified(entry.schema ?? "public", entry.tag),
      copyInto: copyStatement(entry),
      whole: !copyOut.startsWith("COPY ("),
    };
    const { bytes, rows, pages } = sizes.get(entry.oid) ?? { bytes: 0, rows: 0, pages: 0 };
    const pieces = cutCopy(copyOut, pages, Math.ceil(bytes / chunkBytes));
    return pieces.map((piece, number) => ({
      name: pieces.length === 1 ? `data/${entry.id}.zst` : `data/${entry.id}.${pad(number)}.zst`,
      copyOut: piece,
      table,
      bytes: Math.ceil(bytes / pieces.length),
      rows: Math.ceil(rows / pieces.length),
    }));
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

/** `"a"."b" (columns)` in a COPY of a table; whatever else a name holds stands between quotes. */
const COPY_TABLE =
  /^COPY ((?:"(?:[^"]|"")*"|[^"\s(),.]+)(?:\.(?:"(?:[^"]|"")*"|[^"\s(),.]+))?) \((.*)\) TO stdout$/s;

/**
 * The COPY of a whole table as `pieces` COPYs that together read the same rows: every row version a snapshot sees stays on its page
 * for as long as the snapshot does, wherever newer versions go. The first and the last range are open, so that nothing depends on
 * how many pages were counted. Just the statement when it is not a table's, or when there are no pages to cut by.
 */
export function cutCopy(copyOut: string, pages: number, pieces: number): string[] {
  const [, table, columns] = COPY_TABLE.exec(copyOut) ?? [];
  const count = Math.min(pieces, pages);
  if (table === undefined || columns === undefined || count < 2) return [copyOut];
  const border = (place: number) => `'(${Math.floor((pages * place) / count)},0)'::pg_catalog.tid`;
  return Array.from({ length: count }, (_, place) => {
    const from = place === 0 ? [] : [`ctid >= ${border(place)}`];
    const to = place === count - 1 ? [] : [`ctid < ${border(place + 1)}`];
    return `COPY (SELECT ${columns} FROM ONLY ${table} WHERE ${[...from, ...to].join(" AND ")}) TO stdout`;
  });
}

/** Of one width, so that keys in the order of their bytes are in the order of the pages. */
function pad(number: number): string {
  return String(number).padStart(6, "0");
}

/** The entry's COPY … FROM stdin, without the semicolon. */
export function copyStatement(entry: ArchiveEntry): string {
  return entry.copy.trim().replace(/;$/, "");
}

/** Pages are told only of what can be read by ranges of them: heaps, by a role that may read the whole table and not just all its columns. */
async function readSizes(holder: Session, entries: ArchiveEntry[]) {
  const found = await holder.query<{ oid: string; bytes: string; rows: number; pages: string }>(
    `select c.oid::text as oid, pg_table_size(c.oid)::text as bytes, greatest(reltuples, 0)::float8 as rows,
        case when c.relkind = 'r' and a.amhandler = 'heap_tableam_handler'::regproc
            and has_table_privilege(c.oid, 'select')
          then pg_relation_size(c.oid) / current_setting('block_size')::bigint else 0 end::text as pages
      from pg_class c left join pg_am a on a.oid = c.relam where c.oid = any($1::oid[])`,
    [entries.map((entry) => entry.oid)],
  );
  return new Map(
    found.map(({ oid, bytes, rows, pages }) => [
      oid,
      { bytes: Number(bytes), rows: Math.round(rows), pages: Number(pages) },
    ]),
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
