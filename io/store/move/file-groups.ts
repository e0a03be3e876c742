/** Which models lie in the same files, and their rows file by file. */
import type { StoreDefinition, StoreModel } from "../../../core/store/definition.ts";
import { pathColumns } from "../../../core/store/paths.ts";
import type { Row } from "../../../core/store/store.ts";
import { compareTexts } from "../../../core/store/text-order.ts";
import type { ReadRow, RowBatch } from "./model-rows.ts";

/** Models whose rows meet in files. */
export interface FileGroup {
  models: StoreModel[];
  /** Whether there is a file for each value of some columns, or one for all. */
  divided: boolean;
}

/** Models with the same pattern, whatever its columns are called. Those whose files meet by chance are in groups of their own. */
export function fileGroups({ models }: StoreDefinition): FileGroup[] {
  const groups = new Map<string, FileGroup>();
  for (const model of models) {
    const columns = pathColumns(model);
    const shape = `${columns.length} ${model.file.replaceAll(/\{[^}]*\}/g, "{}")}`;
    const group = groups.get(shape);
    if (group === undefined) groups.set(shape, { models: [model], divided: columns.length > 0 });
    else group.models.push(model);
  }
  return [...groups.values()];
}

/** One model's rows, one after the other, with a look at the next. */
export class RowSource {
  readonly model: StoreModel;
  #batches: AsyncIterator<RowBatch>;
  #onBatch: (batch: RowBatch) => void;
  #batch: ReadRow[] = [];
  #at = 0;

  constructor(model: StoreModel, batches: AsyncIterable<RowBatch>, onBatch: (batch: RowBatch) => void) {
    this.model = model;
    this.#batches = batches[Symbol.asyncIterator]();
    this.#onBatch = onBatch;
  }

  /** Where the next row goes; undefined at the end. */
  async place(): Promise<readonly string[] | undefined> {
    while (this.#at === this.#batch.length) {
      const next = await this.#batches.next();
      if (next.done) return undefined;
      this.#onBatch(next.value);
      this.#batch = next.value.rows;
      this.#at = 0;
    }
    return this.#batch[this.#at]?.place;
  }

  /** The next row, once `place` has told that there is one. */
  get row(): Row {
    const next = this.#batch[this.#at];
    if (next === undefined) throw new Error("there is no row, or nobody has looked yet");
    return next.row;
  }

  /** The rows that go to the same place as the next one, some at a time. */
  async *run(): AsyncGenerator<ReadRow[]> {
    const first = await this.place();
    if (first === undefined) return;
    for (let here: readonly string[] | undefined = first; here !== undefined; here = await this.place()) {
      const from = this.#at;
      while (this.#at < this.#batch.length && isSame(this.#batch[this.#at]?.place, first)) this.#at++;
      if (this.#at === from) return;
      yield this.#batch.slice(from, this.#at);
    }
  }
}

/** The sources that have rows for the place that comes first, place after place. Each run has to be read before the next is asked for. */
export async function* partsOf(sources: readonly RowSource[]): AsyncGenerator<RowSource[]> {
  for (;;) {
    let part: RowSource[] = [];
    let least: readonly string[] | undefined;
    for (const source of sources) {
      const place = await source.place();
      if (place === undefined) continue;
      const order = least === undefined ? -1 : comparePlaces(place, least);
      if (order < 0) {
        least = place;
        part = [];
      }
      if (order <= 0) part.push(source);
    }
    if (least === undefined) return;
    yield part;
  }
}

/** By bytes, as the server's "C" has them. */
function comparePlaces(one: readonly string[], other: readonly string[]): number {
  for (const [at, text] of one.entries()) {
    const its = other[at] ?? "";
    if (text !== its) return compareTexts(text, its);
  }
  return 0;
}

function isSame(one: readonly string[] | undefined, other: readonly string[]): boolean {
  return one?.every((text, at) => text === other[at]) ?? false;
}
