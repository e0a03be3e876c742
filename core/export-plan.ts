/** From a backup's table of contents and manifest to those of an archive that stock pg_restore reads: what it says, and where its data is. */
import { type ArchiveContents, type ArchiveRecord, asEntry } from "./archive.ts";
import { LARGE_OBJECTS } from "./archive-writer.ts";
import type { BackupManifest, CopiedObject } from "./backup-manifest.ts";
import { RehearsalError } from "./errors.ts";
import { quoteQualified } from "./names.ts";
import { entryStatements, largeObjectIds } from "./restore-plan.ts";

export interface ExportPlan {
  contents: ArchiveContents;
  /** What has data, in the order of the table of contents: pg_restore reads a stream once, forwards. */
  data: { record: ArchiveRecord; objects: CopiedObject[] }[];
}

/** What an export needs to know of a manifest. */
export interface ExportSource extends Pick<BackupManifest, "toc" | "data" | "emptyTables" | "largeObjects"> {
  baseline: Pick<BackupManifest["baseline"], "sequences">;
  database: Pick<BackupManifest["database"], "encoding">;
}

/**
 * The archive for a pg_restore of major `reader` and newer. Throws `BackupCorrupt` when the manifest's objects and the table of
 * contents do not belong together.
 */
export function planExport(source: ArchiveContents, manifest: ExportSource, reader: number): ExportPlan {
  const objects = objectsByEntry(source, manifest);
  const minor = Math.min(source.minor, newestVersionOf(reader));
  const split = minor < 16 ? splitLargeObjects(source.records) : source.records;
  const records = joinLargeObjects(split).map((record) => restated(record, manifest));
  const data = records
    .filter(({ hasData }) => hasData)
    .map((record) => ({
      record,
      objects: record.kind === LARGE_OBJECTS ? manifest.largeObjects : (objects.get(record.id) ?? []),
    }));
  return { contents: { ...source, minor, records }, data };
}

/** pg_restore reads what its own major writes and older: 1.14 since 12, 1.15 since 16, 1.16 since 17. */
function newestVersionOf(reader: number): number {
  if (reader >= 17) return 16;
  return reader === 16 ? 15 : 14;
}

/** Every table has its objects or is said to be empty, no object is a stranger, and nothing else has data. */
function objectsByEntry(
  { records }: ArchiveContents,
  manifest: ExportSource,
): ReadonlyMap<number, CopiedObject[]> {
  const unfit = (reason: string) => new RehearsalError("BackupCorrupt", { object: manifest.toc.key, reason });
  const tables = new Map(
    records.filter(({ kind }) => kind === "TABLE DATA").map((entry) => [entry.id, entry]),
  );
  const objects = new Map<number, CopiedObject[]>(manifest.emptyTables.map((id) => [id, []]));
  for (const object of manifest.data) {
    const { copy } = tables.get(object.tocId) ?? {};
    if (copy?.trim().replace(/;$/, "") !== object.copyInto)
      throw unfit(`the manifest's object "${object.key}" belongs to no table in it`);
    const earlier = objects.get(object.tocId);
    if (earlier === undefined) objects.set(object.tocId, [object]);
    else earlier.push(object);
  }
  for (const { id, kind, tag, hasData } of records) {
    if (kind === "TABLE DATA" && !objects.has(id))
      throw unfit(`the manifest says nothing of the rows of ${tag}`);
    if (hasData && kind !== "TABLE DATA" && kind !== LARGE_OBJECTS)
      throw unfit(`its entry ${id} (${kind}) has data that the manifest does not know`);
  }
  if (manifest.largeObjects.length > 0 && !records.some(({ kind }) => kind === LARGE_OBJECTS))
    throw unfit("it has no place for the manifest's large objects");
  return objects;
}

/**
 * Since 1.16 large objects of one owner and equal rights share an entry; before, each has its own: one that makes it, ahead of all
 * data, and one for its rights.
 */
function splitLargeObjects(records: ArchiveRecord[]): ArchiveRecord[] {
  let nextId = records.reduce((highest, { id }) => Math.max(highest, id), 0);
  const groups = new Map(
    records
      .filter(({ kind }) => kind === "BLOB METADATA")
      .map((group) => [
        group.id,
        largeObjectIds(asEntry(group)).map((oid) => largeObject(group, oid, ++nextId)),
      ]),
  );
  if (groups.size === 0) return records;
  const entries = new Map(records.map((record) => [record.id, asEntry(record)]));
  const others = records.flatMap((record): ArchiveRecord[] => {
    if (groups.has(record.id)) return [];
    const members = record.dependencies.flatMap((id) => groups.get(id) ?? []);
    const elsewhere = record.dependencies.filter((id) => !groups.has(id));
    // Whatever comes with the data finds every large object made.
    if (members.length === 0 || record.kind === LARGE_OBJECTS)
      return [{ ...record, dependencies: elsewhere }];
    if (record.tag?.startsWith("LARGE OBJECTS ")) {
      const rights = entryStatements(asEntry(record), entries);
      return members.map((one, place) => ({
        ...record,
        ...{ id: ++nextId, tag: `LARGE OBJECT ${one.tag}`, definition: rights[place] },
        dependencies: [...elsewhere, one.id],
      }));
    }
    const about = members.filter(({ tag }) => record.tag === `LARGE OBJECT ${tag}`);
    return [{ ...record, dependencies: [...elsewhere, ...about.map(({ id }) => id)] }];
  });
  const firstData = others.findIndex(({ section }) => section === "data");
  const place = firstData === -1 ? others.length : firstData;
  return others.toSpliced(place, 0, ...[...groups.values()].flat());
}

function largeObject(group: ArchiveRecord, oid: string, id: number): ArchiveRecord {
  return {
    ...group,
    ...{ id, oid, tag: oid, kind: "BLOB", section: "pre-data" },
    definition: `SELECT pg_catalog.lo_create('${oid}');\n`,
    drop: `SELECT pg_catalog.lo_unlink('${oid}');\n`,
  };
}

/** Groups share one entry for their bytes: a backup's objects hold large objects in the order of their identifiers, whatever the group. */
function joinLargeObjects(records: ArchiveRecord[]): ArchiveRecord[] {
  const parts = records.filter(({ kind }) => kind === LARGE_OBJECTS);
  const last = parts.at(-1);
  if (last === undefined || parts.length === 1) return records;
  const ids = new Set(parts.map(({ id }) => id));
  return records.flatMap((record) => {
    if (record === last)
      return [{ ...last, dependencies: [...new Set(parts.flatMap(({ dependencies }) => dependencies))] }];
    if (ids.has(record.id)) return [];
    if (!record.dependencies.some((id) => ids.has(id))) return [record];
    const dependencies = record.dependencies.map((id) => (ids.has(id) ? last.id : id));
    return [{ ...record, dependencies: [...new Set(dependencies)] }];
  });
}

/** What holds for this backup's data, where pg_dump, which read none, says otherwise. */
function restated(record: ArchiveRecord, { baseline, database }: ExportSource): ArchiveRecord {
  const { kind, definition = "" } = record;
  if (kind === "SEQUENCE SET") {
    // Sequences are not under the snapshot: the baseline's are what a restore is compared with.
    const state = baseline.sequences[quoteQualified(record.schema ?? "", record.tag ?? "")];
    if (state === undefined) return record;
    const value = `, ${BigInt(state.last)}, ${state.called});\n`;
    return { ...record, definition: definition.replace(/, -?\d+, (?:true|false)\);\s*$/, () => value) };
  }
  if (kind === "ENCODING" && database.encoding === "SQL_ASCII")
    return { ...record, definition: "SET client_encoding = 'SQL_ASCII';\n" };
  // pg_restore runs this one in every session as it stands; money was read under this setting and would be misread under another.
  if (kind === "SEARCHPATH")
    return { ...record, definition: `${definition.trim()} SET lc_monetary = 'C';\n` };
  return record;
}
