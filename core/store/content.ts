/** Values that lie as files of their own: a row then holds what they are called by, the SHA-256 of their bytes. */
import type { StoreModel } from "./definition.ts";
import type { Row } from "./store.ts";

/** What stands in a file of rows for bytes that lie elsewhere. */
export interface ContentReference {
  /** SHA-256 of the bytes. */
  $content: string;
  bytes: number;
}

export interface ContentFile {
  path: string;
  bytes: Uint8Array;
}

/** The row with references for the contents that it holds (in base64), and the files that they become; equal contents are one file. */
export function withoutContents(_model: StoreModel, _row: Row): { row: Row; files: ContentFile[] } {
  throw new Error("not yet");
}

/** The files that a row refers to. */
export function contentsOf(
  _model: StoreModel,
  _row: Row,
): { column: string; path: string; reference: ContentReference }[] {
  throw new Error("not yet");
}

/** The row as it is given to applications; `read` has the bytes of each path. Bytes of another hash are refused: `StoreFileDamaged`. */
export function withContents(
  _model: StoreModel,
  _row: Row,
  _read: (path: string) => Promise<Uint8Array | undefined>,
): Promise<Row> {
  throw new Error("not yet");
}
