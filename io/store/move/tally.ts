/** What two sides hold of a model, added up whatever the order of its rows, and in which parts of it they differ. */
import { hash } from "node:crypto";
import { bytesOfContent, isReference } from "../../../core/store/content.ts";
import type { StoreModel } from "../../../core/store/definition.ts";
import { type ContentSum, rowDigest, Summed } from "../../../core/store/digest.ts";
import { keyText } from "../../../core/store/keys.ts";
import { codecsOf, type ModelColumn } from "../../../core/store/model-codecs.ts";
import { cell } from "../../../core/store/rows.ts";
import type { Row } from "../../../core/store/store.ts";
import { keyHash } from "./key-numbers.ts";

/** Into so many parts the rows of a model are divided by their keys; where the sums of a part agree, nobody has to look for rows. */
const BUCKETS = 2 ** 14;

class Side {
  readonly rows = new Summed();
  readonly encrypted = new Summed();
}

export class Tally {
  readonly model: StoreModel;
  readonly database = new Side();
  readonly files = new Side();
  /** What the database has more than the files, modulo 2^64 in two halves. */
  #buckets = new Uint32Array(BUCKETS * 2);
  #encrypted: ModelColumn[];

  constructor(model: StoreModel) {
    this.model = model;
    this.#encrypted = codecsOf(model).columns.filter(({ column }) => column.encrypted);
  }

  addDatabase(row: Row, digest: string): void {
    this.#add(this.database, row, digest, 1);
  }

  addFiles(row: Row): void {
    this.#add(this.files, row, rowDigest(this.model, row), -1);
  }

  /** Of the columns alone that are encrypted, with the key. */
  get encryptedColumns(): string[] {
    return this.#encrypted.map(({ name }) => name);
  }

  /** The parts that differ; all of them where only the whole sums tell, for a part's are short enough to be outwitted. */
  differing(): Set<number> {
    const parts = [...new Array(BUCKETS).keys()];
    const differing = parts.filter(
      (bucket) => this.#buckets[bucket * 2] !== 0 || this.#buckets[bucket * 2 + 1] !== 0,
    );
    const outwitted = differing.length === 0 && !sameSums(this.database.rows.sum(), this.files.rows.sum());
    return new Set(outwitted ? parts : differing);
  }

  #add(side: Side, row: Row, digest: string, sign: 1 | -1): void {
    side.rows.add(digest);
    if (this.#encrypted.length > 0) side.encrypted.add(encryptedDigest(this.model, this.#encrypted, row));
    const at = bucketOf(this.model, row) * 2;
    const buckets = this.#buckets;
    // What lies beyond 32 bits falls off.
    buckets[at] = (buckets[at] ?? 0) + sign * Number.parseInt(digest.slice(0, 8), 16);
    buckets[at + 1] = (buckets[at + 1] ?? 0) + sign * Number.parseInt(digest.slice(8, 16), 16);
  }
}

/** Which part a row belongs to. */
export function bucketOf(model: StoreModel, row: Row): number {
  return keyHash(keyText(model, row)).low % BUCKETS;
}

export function sameSums(one: ContentSum, other: ContentSum): boolean {
  return one.rows === other.rows && one.sum === other.sum;
}

/** The columns in which two rows differ. */
export function differingColumns(model: StoreModel, one: Row, other: Row): string[] {
  return codecsOf(model)
    .columns.filter((column) => canonical(column, one) !== canonical(column, other))
    .map(({ name }) => name);
}

function encryptedDigest(model: StoreModel, columns: readonly ModelColumn[], row: Row): string {
  return hash(
    "sha256",
    JSON.stringify([keyText(model, row), ...columns.map((column) => canonical(column, row))]),
    "hex",
  );
}

function canonical({ name, codec, content }: ModelColumn, row: Row): string | null {
  const value = cell(row, name);
  if (value === null) return null;
  if (!content) return codec.canonical(value);
  return isReference(value) ? value.$content : hash("sha256", bytesOfContent(value), "hex");
}
