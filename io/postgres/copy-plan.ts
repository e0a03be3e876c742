/** What is to be copied: each table by the statement pg_dump would have read it with, a large one by ranges of its pages, large objects in runs; the largest first. */
import type { Archive, ArchiveEntry } from "../../core/archive.ts";
import type { BackupManifest, CopiedHeap, DataObject } from "../../core/backup-manifest.ts";
import { RehearsalError } from "../../core/errors.ts";
import { quoteName, quoteQualified } from "../../core/names.ts";
import { type FoundTable, readHeaps } from "./heaps.ts";
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
  /** The pages it reads, and the condition on the table's rows that says so; undefined when the table is read as a whole. */
  range: PageRange | undefined;
  /** What a base holds of the same pages of the same table: good for this backup as well when no row has changed since. */
  earlier: EarlierRange | undefined;
  /** The size on disk, for the order and for showing progress. */
  bytes: number;
  /** By the planner's statistics. */
  rows: number;
}

export interface PageRange {
  from: number;
  to: number;
  condition: string;
}

interface EarlierRange {
  rows: number;
  checksum: string | null;
  /** Undefined when there were no rows. */
  object: DataObject | undefined;
}

export interface CopiedTable {
  tocId: number;
  /** Quoted and qualified. */
  name: string;
  /** Reads all of it. */
  copyOut: string;
  copyInto: string;
  /** False when pg_dump's COPY has a condition: an extension's configuration table gives only the rows the user added. */
  whole: boolean;
  heap: CopiedHeap | null;
}

/** What is cut in how large pieces: enough of them that every session has work until the end, and that a later backup need not copy much for one changed row. */
export const CHUNK_BYTES = 16 * 1024 ** 2;

/**
 * `copies` are pg_dump's COPY statements in the order of the archive's data entries. A table that takes more than `chunkBytes` on
 * disk, with what is stored out of line, is cut into ranges of pages of about that much each; one that `base` has as it is now is
 * cut where the base cut it, so that its objects can stand for ranges in which nothing changed.
 */
export async function planCopies(
  holder: Session,
  archive: Archive,
  copies: readonly string[],
  chunkBytes: number,
  base?: BackupManifest,
): Promise<CopyUnit[]> {
  const entries = archive.entries.filter((entry) => entry.kind === "TABLE DATA");
  if (entries.length !== copies.length)
    throw mismatch(holder, `${copies.length} COPY statements for ${entries.length} tables`);
  const found = await readHeaps(
    holder,
    entries.map((entry) => Number(entry.oid)),
  );
  const earlier = earlierHeaps(base);
  const tables = entries.flatMap((entry, place): CopyUnit[] => {
    const copyOut = (copies[place] ?? "").replace(/;$/, "");
    if (!reads(copyOut, entry)) throw mismatch(holder, `"${copyOut.slice(0, 100)}" is not for ${entry.tag}`);
    const { bytes, rows, heap } = found.get(Number(entry.oid)) ?? { bytes: 0, rows: 0, heap: undefined };
    const before = heap && matching(earlier.get(heap.oid), heap, copyOut);
    const pieces = parseCopy(copyOut) === undefined ? 1 : Math.ceil(bytes / chunkBytes);
    const borders = heap && cutPages(heap.pages, pieces, before?.heap.borders);
    const table: CopiedTable = {
      tocId: entry.id,
      name: quoteQualified(entry.schema ?? "public", entry.tag),
      copyOut,
      copyInto: copyStatement(entry),
      whole: !copyOut.startsWith("COPY ("),
      heap: parseCopy(copyOut) === undefined ? null : recorded(heap, borders),
    };
    const ranges = table.heap === null && pieces === 1 ? [undefined] : pageRanges(borders);
    return ranges.map((range, number) => ({
      name: ranges.length === 1 ? `data/${entry.id}.zst` : `data/${entry.id}.${pad(number)}.zst`,
      copyOut: range === undefined || ranges.length === 1 ? copyOut : copyRange(copyOut, range.condition),
      table,
      range,
      earlier: range && before?.range(range),
      bytes: Math.ceil(bytes / ranges.length),
      rows: Math.ceil(rows / ranges.length),
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
      range: undefined,
      earlier: undefined,
      bytes: group.bytes,
      rows: 0,
    }),
  );
  return [...tables, ...largeObjects].sort((one, other) => other.bytes - one.bytes);
}

function recorded(heap: FoundTable["heap"], borders: number[] | undefined): CopiedHeap | null {
  if (heap === undefined || borders === undefined || heap.definition === null) return null;
  return { oid: heap.oid, filenode: heap.filenode, definition: heap.definition, borders };
}

/** What a base has of a heap, by the heap's object identifier. */
function earlierHeaps(base: BackupManifest | undefined) {
  const objects = Map.groupBy(base?.data ?? [], ({ tocId }) => tocId);
  return new Map(
    (base?.tables ?? []).flatMap(({ tocId, copyOut, heap }) =>
      heap === null ? [] : [[heap.oid, { heap, copyOut, objects: objects.get(tocId) ?? [] }] as const],
    ),
  );
}

/** The base's word on a heap, when it is still the same one: not written anew, and with the same columns. */
function matching(
  earlier: { heap: CopiedHeap; copyOut: string; objects: DataObject[] } | undefined,
  now: { filenode: number; definition: string | null },
  copyOut: string,
) {
  if (earlier?.heap.filenode !== now.filenode || earlier.heap.definition !== now.definition) return undefined;
  // Other columns than these are not in the objects, whatever the catalog says.
  if (parseCopy(earlier.copyOut)?.columns !== parseCopy(copyOut)?.columns) return undefined;
  const { heap, objects } = earlier;
  const starts = new Set(heap.borders.slice(0, -1));
  return {
    heap,
    range({ from }: PageRange): EarlierRange | undefined {
      if (!starts.has(from)) return undefined;
      const object = objects.find(({ pages }) => pages?.from === from);
      return { rows: object?.rows ?? 0, checksum: object === undefined ? "0" : object.checksum, object };
    },
  };
}

/**
 * Where ranges of pages begin and, last, the number of pages: about `pieces` of one size, or those of an earlier cut with what the
 * table has grown by behind them. An earlier cut's last range ended where the table ended then.
 */
export function cutPages(pages: number, pieces: number, earlier?: readonly number[]): number[] {
  const known = earlier?.at(-1) ?? 0;
  if (earlier !== undefined && known > 0) return pages > known ? [...earlier, pages] : [...earlier];
  const count = Math.max(1, Math.min(pieces, pages));
  return Array.from({ length: count + 1 }, (_, place) => Math.floor((pages * place) / count));
}

/** The last range is open, so that nothing depends on how many pages were counted. */
function pageRanges(borders: readonly number[] | undefined): (PageRange | undefined)[] {
  if (borders === undefined) return [undefined];
  return borders.slice(0, -1).map((from, place) => {
    const to = borders[place + 1] ?? from;
    const last = place === borders.length - 2;
    return { from, to, condition: pageCondition(from, last ? undefined : to) };
  });
}

/** Rows on these pages; every row version a snapshot sees stays on its page for as long as the snapshot does, wherever newer versions go. */
function pageCondition(from: number, to: number | undefined): string {
  const border = (page: number) => `'(${page},0)'::pg_catalog.tid`;
  return `ctid >= ${border(from)}${to === undefined ? "" : ` AND ctid < ${border(to)}`}`;
}

/** `"a"."b" (columns)` in a COPY of a table; whatever else a name holds stands between quotes. */
const COPY_TABLE =
  /^COPY ((?:"(?:[^"]|"")*"|[^"\s(),.]+)(?:\.(?:"(?:[^"]|"")*"|[^"\s(),.]+))?) \((.*)\) TO stdout$/s;

function parseCopy(copyOut: string): { table: string; columns: string } | undefined {
  const [, table, columns] = COPY_TABLE.exec(copyOut) ?? [];
  return table === undefined || columns === undefined ? undefined : { table, columns };
}

/** The COPY of a whole table, of those rows alone that meet the condition. */
export function copyRange(copyOut: string, condition: string): string {
  const parsed = parseCopy(copyOut);
  if (parsed === undefined) throw new Error(`"${copyOut.slice(0, 100)}" is not the COPY of a table`);
  return `COPY (SELECT ${parsed.columns} FROM ONLY ${parsed.table} WHERE ${condition}) TO stdout`;
}

/** Of one width, so that keys in the order of their bytes are in the order of the pages. */
function pad(number: number): string {
  return String(number).padStart(6, "0");
}

/** The entry's COPY … FROM stdin, without the semicolon. */
export function copyStatement(entry: ArchiveEntry): string {
  return entry.copy.trim().replace(/;$/, "");
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
