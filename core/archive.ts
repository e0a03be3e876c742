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

const SECTIONS: Record<number, Section> = { 1: "none", 2: "pre-data", 3: "data", 4: "post-data" };
const CUSTOM_FORMAT = 1;
/** An entry takes more bytes than this, so a count of entries beyond it is a lie and nothing is allocated for it. */
const SMALLEST_ENTRY = 40;

/** Parses the archive; any byte out of place is `ArchiveUnreadable`. */
export function parseArchive(bytes: Uint8Array): Archive {
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
  // When it was made: second, minute, hour, day, month, year, daylight saving.
  for (let field = 0; field < 7; field++) reader.integer();
  const database = reader.text() ?? "";
  const serverVersion = reader.text() ?? "";
  const dumpVersion = reader.text() ?? "";
  const count = reader.integer();
  if (count < 0 || count * SMALLEST_ENTRY > bytes.length)
    throw unreadable(`it claims ${count} entries in ${bytes.length} bytes`);
  const entries: ArchiveEntry[] = [];
  const ids = new Set<number>();
  while (entries.length < count) {
    const entry = readEntry(reader, version.minor, offsetBytes);
    if (ids.has(entry.id)) throw unreadable(`entry ${entry.id} is there twice`);
    ids.add(entry.id);
    entries.push(entry);
  }
  return { version: `${version.major}.${version.minor}`, database, serverVersion, dumpVersion, entries };
}

function readEntry(reader: ArchiveReader, minor: number, offsetBytes: number): ArchiveEntry {
  const id = reader.integer();
  if (id <= 0) throw unreadable(`an entry has the number ${id}`);
  // Whether it had a dumper, and the catalog its oid is of.
  reader.integer();
  reader.text();
  const oid = reader.text() ?? "0";
  const tag = reader.text() ?? "";
  const kind = reader.text() ?? "";
  const section = SECTIONS[reader.integer()];
  if (section === undefined) throw unreadable(`entry ${id} (${kind}) lies in no known section`);
  const definition = reader.text() ?? "";
  const drop = reader.text() ?? "";
  const copy = reader.text() ?? "";
  const schema = reader.text() || undefined;
  const tablespace = reader.text() ?? "";
  const accessMethod = reader.text() ?? "";
  const relationKind = minor >= 16 ? reader.integer() : 0;
  const owner = reader.text() ?? "";
  // "false", since tables no longer have oids.
  reader.text();
  const dependencies: number[] = [];
  for (let text = reader.text(); text !== undefined; text = reader.text()) {
    if (!/^\d{1,10}$/.test(text)) throw unreadable(`entry ${id} (${kind}) depends on "${text.slice(0, 40)}"`);
    dependencies.push(Number(text));
  }
  // The state and the place of its data in the archive.
  reader.skip(1 + offsetBytes);
  return {
    ...{ id, oid, kind, tag, schema, section, definition, drop, copy, owner, tablespace, accessMethod },
    relationKind: relationKind === 0 ? "" : String.fromCharCode(relationKind),
    dependencies,
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
