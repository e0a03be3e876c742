/**
 * The table of contents of a pg_dump archive in custom format: what a database is made of, in the order in which it can be made again.
 * Follows ReadHead and ReadToc of src/bin/pg_dump/pg_backup_archiver.c, archive versions 1.14 (pg_dump 12) to 1.16 (17, 18).
 */
import { RehearsalError } from "./errors.ts";

export interface Archive {
  /** `1.16`. */
  version: string;
  database: string;
  /** As the server reported it: `16.14 (Debian …)`. */
  serverVersion: string;
  dumpVersion: string;
  /** In restore order. */
  entries: ArchiveEntry[];
}

export interface ArchiveEntry {
  id: number;
  /** Object identifier in the source database; "0" when it has none. */
  oid: string;
  /** What kind of thing: `TABLE`, `TABLE DATA`, `FK CONSTRAINT`, `ACL` … */
  kind: string;
  /** Its name, in forms that differ by kind: a table's bare name, a function's with its arguments. */
  tag: string;
  /** The unquoted schema; undefined when it lies in none. */
  schema: string | undefined;
  section: Section;
  /** The SQL that makes it; may hold several statements, none, or only a comment. */
  definition: string;
  drop: string;
  /** For data: `COPY table (columns) FROM stdin;\n`. */
  copy: string;
  /** The unquoted owner; empty when it has none. */
  owner: string;
  /** Empty for the default. */
  tablespace: string;
  accessMethod: string;
  /** `r`, `p` … for relations since 1.16. */
  relationKind: string;
  dependencies: number[];
}

export type Section = "none" | "pre-data" | "data" | "post-data";

/** The table of contents as it stands in the file, for whoever writes it again: what is not there at all differs from what is empty. */
export interface ArchiveContents {
  /** 14 to 16: the second part of the version. */
  minor: number;
  /** When it was made: second, minute, hour, day, month from 0, years since 1900, daylight saving. */
  made: number[];
  database: string | undefined;
  serverVersion: string | undefined;
  dumpVersion: string | undefined;
  records: ArchiveRecord[];
}

/** An entry, field by field in the order of the file. */
export interface ArchiveRecord {
  id: number;
  /** Whether data of its own follows the table of contents. */
  hasData: boolean;
  /** The catalog that the oid is of, as an oid. */
  catalog: string | undefined;
  oid: string | undefined;
  tag: string | undefined;
  kind: string;
  section: Section;
  definition: string | undefined;
  drop: string | undefined;
  copy: string | undefined;
  schema: string | undefined;
  tablespace: string | undefined;
  accessMethod: string | undefined;
  /** 0 when it has none, and before 1.16. */
  relationKind: number;
  owner: string | undefined;
  /** `false`, since tables no longer have oids. */
  withOids: string | undefined;
  dependencies: number[];
}

const SECTIONS: Record<number, Section> = { 1: "none", 2: "pre-data", 3: "data", 4: "post-data" };
const CUSTOM_FORMAT = 1;
/** An entry takes more bytes than this, so a count of entries beyond it is a lie and nothing is allocated for it. */
const SMALLEST_ENTRY = 40;

/** Parses the archive; any byte out of place is `ArchiveUnreadable`. */
export function parseArchive(bytes: Uint8Array): Archive {
  const { minor, database, serverVersion, dumpVersion, records } = parseContents(bytes);
  return {
    version: `1.${minor}`,
    database: database ?? "",
    serverVersion: serverVersion ?? "",
    dumpVersion: dumpVersion ?? "",
    entries: records.map(asEntry),
  };
}

/** The record as whoever makes it in a database sees it. */
export function asEntry(record: ArchiveRecord): ArchiveEntry {
  const { id, kind, section, relationKind, dependencies } = record;
  return {
    ...{ id, kind, section, dependencies },
    oid: record.oid ?? "0",
    tag: record.tag ?? "",
    schema: record.schema || undefined,
    definition: record.definition ?? "",
    drop: record.drop ?? "",
    copy: record.copy ?? "",
    owner: record.owner ?? "",
    tablespace: record.tablespace ?? "",
    accessMethod: record.accessMethod ?? "",
    relationKind: relationKind === 0 ? "" : String.fromCharCode(relationKind),
  };
}

/** Parses the archive as `parseArchive` does, and loses nothing of it but its data. */
export function parseContents(bytes: Uint8Array): ArchiveContents {
  const reader = new ArchiveReader(bytes);
  if (reader.ascii(5) !== "PGDMP") throw unreadable("it does not begin with PGDMP");
  const version = { major: reader.byte(), minor: reader.byte() };
  reader.byte();
  if (version.major !== 1 || version.minor < 14 || version.minor > 16)
    throw unreadable(`version ${version.major}.${version.minor} is not known`);
  reader.integerBytes = reader.byte();
  const offsetBytes = reader.byte();
  if (reader.integerBytes < 1 || reader.integerBytes > 6 || offsetBytes < 1 || offsetBytes > 8)
    throw unreadable(`integers of ${reader.integerBytes} and offsets of ${offsetBytes} bytes are not known`);
  if (reader.byte() !== CUSTOM_FORMAT) throw unreadable("it is not in custom format");
  // The compression: a byte for the algorithm since 1.15, the level before.
  if (version.minor >= 15) reader.byte();
  else reader.integer();
  const made = Array.from({ length: 7 }, () => reader.integer());
  const database = reader.text();
  const serverVersion = reader.text();
  const dumpVersion = reader.text();
  const count = reader.integer();
  if (count < 0 || count * SMALLEST_ENTRY > bytes.length)
    throw unreadable(`it claims ${count} entries in ${bytes.length} bytes`);
  const records: ArchiveRecord[] = [];
  const ids = new Set<number>();
  while (records.length < count) {
    const record = readRecord(reader, version.minor, offsetBytes);
    if (ids.has(record.id)) throw unreadable(`entry ${record.id} is there twice`);
    ids.add(record.id);
    records.push(record);
  }
  return { minor: version.minor, made, database, serverVersion, dumpVersion, records };
}

function readRecord(reader: ArchiveReader, minor: number, offsetBytes: number): ArchiveRecord {
  const id = reader.integer();
  if (id <= 0) throw unreadable(`an entry has the number ${id}`);
  const hasData = reader.integer() !== 0;
  const catalog = reader.text();
  const oid = reader.text();
  const tag = reader.text();
  const kind = reader.text() ?? "";
  const section = SECTIONS[reader.integer()];
  if (section === undefined) throw unreadable(`entry ${id} (${kind}) lies in no known section`);
  const definition = reader.text();
  const drop = reader.text();
  const copy = reader.text();
  const schema = reader.text();
  const tablespace = reader.text();
  const accessMethod = reader.text();
  const relationKind = minor >= 16 ? reader.integer() : 0;
  const owner = reader.text();
  const withOids = reader.text();
  const dependencies: number[] = [];
  for (let text = reader.text(); text !== undefined; text = reader.text()) {
    if (!/^\d{1,10}$/.test(text)) throw unreadable(`entry ${id} (${kind}) depends on "${text.slice(0, 40)}"`);
    dependencies.push(Number(text));
  }
  // The state and the place of its data in the archive.
  reader.skip(1 + offsetBytes);
  return {
    ...{ id, hasData, catalog, oid, tag, kind, section, definition, drop, copy, schema, tablespace },
    ...{ accessMethod, relationKind, owner, withOids, dependencies },
  };
}

/** Reads forward and never past the end. */
class ArchiveReader {
  integerBytes = 4;
  #bytes: Uint8Array;
  #at = 0;
  #utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next bytes, as a view. */
  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length)
      throw unreadable(`it ends at byte ${this.#bytes.length}, before byte ${end}`);
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  skip(length: number): void {
    this.#take(length);
  }

  byte(): number {
    return this.#take(1)[0] ?? 0;
  }

  ascii(length: number): string {
    return String.fromCharCode(...this.#take(length));
  }

  /** A byte for the sign, then the absolute value, lowest byte first. */
  integer(): number {
    const sign = this.byte();
    const value = this.#take(this.integerBytes).reduceRight((sum, byte) => sum * 256 + byte, 0);
    return sign === 0 ? value : -value;
  }

  /** A length and so many bytes of UTF-8; a negative length is no text at all. */
  text(): string | undefined {
    const length = this.integer();
    if (length < 0) return undefined;
    const bytes = this.#take(length);
    try {
      return this.#utf8.decode(bytes);
    } catch {
      throw unreadable(`the text before byte ${this.#at} is not UTF-8`);
    }
  }
}

function unreadable(reason: string): RehearsalError {
  return new RehearsalError("ArchiveUnreadable", { reason });
}
