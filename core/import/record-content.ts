/** A record's folder: what lies in it, and which documents of the mapping that is. */
import { foldedName } from "./file-name.ts";
import type { JsonDocument } from "./json-text.ts";
import type { ImportMapping } from "./mapping.ts";
import { RecordRefused } from "./refused.ts";

/** A file of a record, by its path below the record's folder. */
interface RecordFile {
  path: string;
  /** Bytes. */
  size: number;
}

/** A file that a document's pattern fits; what is JSON has been read. */
export interface RecordDocument {
  /** Its name in the mapping. */
  name: string;
  path: string;
  /** What the pattern's stars stood for. */
  stars: readonly string[];
  json?: JsonDocument;
}

export interface PlannedRow {
  texts: (string | null)[];
  /** For each parent, which row of its set in this record. */
  parents: (number | null)[];
  document: RecordDocument;
  /** Which elements of which arrays it was made from. */
  trail: number[];
  media?: MediaWanted;
}

/** A file to be kept; its hash stands in the key only when it has been read. */
export interface MediaWanted {
  file: RecordFile;
  /** Lower-case hex, when the record says it. */
  sha256?: string;
  bytes?: string;
  contentType: string;
  key: { text: string; takesHash: boolean };
}

/** The record's folder, with what is in it. */
export interface RecordContent {
  folder: string;
  files: ReadonlyMap<string, RecordFile>;
  documents: readonly RecordDocument[];
}

/** The documents that a record's files are, in the mapping's order, each by its path; throws `RecordRefused` when one is missing. */
export function documentsOf(
  mapping: ImportMapping,
  folder: string,
  files: Iterable<string>,
): RecordDocument[] {
  const paths = [...files];
  const missing = (reason: string) =>
    new RecordRefused({ code: "ImportRecordIncomplete", path: folder, at: "", reason });
  const { file } = mapping.records;
  if (!paths.includes(file)) throw missing(`there is no "${file}" in it`);
  const found: RecordDocument[] = [{ name: "record", path: file, stars: [] }];
  for (const [name, { files: pattern, required }] of Object.entries(mapping.documents)) {
    const before = found.length;
    for (const path of paths) {
      const stars = pattern.match(path);
      if (stars !== undefined) found.push({ name, path, stars });
    }
    if (required && found.length === before) throw missing(`there is no "${pattern.text}" in it`);
  }
  return found;
}

/** A path's last name. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The other file of the same name in another case, when there is one. */
export function sameButForCase(files: Iterable<string>, path: string): string | undefined {
  const wanted = foldedName(path);
  for (const one of files) if (foldedName(one) === wanted) return one;
  return undefined;
}
