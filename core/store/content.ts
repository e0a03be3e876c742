/** Values that lie as files of their own: a row then holds what they are called by, the SHA-256 of their bytes. */
import { sha256 } from "../digest.ts";
import { RehearsalError } from "../errors.ts";
import type { StoreModel } from "./definition.ts";
import { contentPath } from "./paths.ts";
import { cell, put } from "./rows.ts";
import type { Row } from "./store.ts";
import type { StoreValue } from "./values.ts";

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

/** The row with references for the contents that it holds (in base64), and the files that they become. */
export function withoutContents(model: StoreModel, row: Row): { row: Row; files: ContentFile[] } {
  const columns = Object.keys(model.content);
  if (columns.length === 0) return { row, files: [] };
  const referring: Record<string, StoreValue> = { ...row };
  const files: ContentFile[] = [];
  for (const column of columns) {
    const value = cell(row, column);
    if (value === null || isReference(value)) continue;
    const bytes = bytesOfContent(value);
    const digest = sha256(bytes);
    put(referring, column, { $content: digest, bytes: bytes.length });
    files.push({ path: contentPath(model, column, digest), bytes });
  }
  return { row: referring, files };
}

/** The files that a row refers to. */
export function contentsOf(
  model: StoreModel,
  row: Row,
): { column: string; path: string; reference: ContentReference }[] {
  return Object.keys(model.content).flatMap((column) => {
    const reference = cell(row, column);
    return isReference(reference)
      ? [{ column, path: contentPath(model, column, reference.$content), reference }]
      : [];
  });
}

/** The row as it is given to applications; `read` has the bytes of each path. Throws `StoreFileDamaged` for a file that is not there, or not what its name says. */
export async function withContents(
  model: StoreModel,
  row: Row,
  read: (path: string) => Promise<Uint8Array | undefined>,
): Promise<Row> {
  const contents = contentsOf(model, row);
  if (contents.length === 0) return row;
  const whole: Record<string, StoreValue> = { ...row };
  for (const { column, path, reference } of contents)
    put(whole, column, Buffer.from(proved(path, reference, await read(path))).toString("base64"));
  return whole;
}

/** The bytes, when they are those that the reference means; throws `StoreFileDamaged`. */
export function proved(path: string, reference: ContentReference, bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined)
    throw new RehearsalError("StoreFileDamaged", { path, reason: "it is not there, and a row refers to it" });
  if (sha256(bytes) !== reference.$content)
    throw new RehearsalError("StoreFileDamaged", {
      path,
      reason: "its bytes are not those that it is named after",
    });
  return bytes;
}

/** What merely looks like one names no file: by hand it could name any. */
export function isReference(value: StoreValue): value is { $content: string; bytes: number } {
  if (typeof value !== "object" || value === null || !("$content" in value)) return false;
  const { $content, bytes } = value;
  return typeof $content === "string" && /^[0-9a-f]{64}$/.test($content) && Number.isSafeInteger(bytes);
}

/** The bytes of a value of bytea. */
export function bytesOfContent(value: StoreValue): Buffer {
  return Buffer.from(String(value), "base64");
}
