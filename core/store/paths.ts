/** Where a model's rows lie: patterns of paths, and the path of a row, which no value can lead astray. */
import type { StoreModel } from "./definition.ts";
import type { Row } from "./store.ts";

/** The path of the file that holds the row. */
export function pathOf(_model: StoreModel, _row: Row): string {
  throw new Error("not yet");
}

/** The path of a column's content, by the SHA-256 of its bytes. */
export function contentPath(_model: StoreModel, _column: string, _sha256: string): string {
  throw new Error("not yet");
}

/** The columns that stand in a model's pattern; none when one file holds all of it. */
export function pathColumns(_model: StoreModel): string[] {
  throw new Error("not yet");
}

/** Whether the key alone tells the path. */
export function keyTellsPath(model: StoreModel): boolean {
  return pathColumns(model).every((column) => model.key.includes(column));
}

/** What every path of the pattern begins with, up to its first placeholder. */
export function pathPrefix(_pattern: string): string {
  throw new Error("not yet");
}

/** Whether a path could be one of the model's. */
export function mayHold(_model: StoreModel, _path: string): boolean {
  throw new Error("not yet");
}
