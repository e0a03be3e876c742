/** A row's digest, and the sum of a model's digests: what it holds, whatever the order of its rows. FORMATS.md has the bytes. */
import { hash } from "node:crypto";
import { bytesOfContent, isReference } from "./content.ts";
import type { StoreModel } from "./definition.ts";
import { codecsOf } from "./model-codecs.ts";
import { cell } from "./rows.ts";
import type { Row } from "./store.ts";

/** What a model holds. */
export interface ContentSum {
  rows: number;
  /** The sum of the digests of its rows modulo 2^256, in 64 hex digits. */
  sum: string;
}

/** Of no rows. */
export const NOTHING: ContentSum = { rows: 0, sum: "0".repeat(64) };

/** The digest of a row: 64 hex digits, of all its columns. */
export function rowDigest(model: StoreModel, row: Row): string {
  return hash("sha256", canonicalRow(model, row), "hex");
}

/** The same of the server's texts, in the order of the model's columns: most of them are what is covered, and are not read. */
export function digestOfTexts(model: StoreModel, texts: readonly (string | null)[]): string {
  const covered: (string | null)[] = [];
  for (const { at, codec, content } of codecsOf(model).sorted) {
    const text = texts[at] ?? null;
    if (text === null) covered.push(null);
    else if (content) covered.push(hash("sha256", Buffer.from(text.slice(2), "hex"), "hex"));
    else covered.push(codec.spelt ? codec.canonical(codec.read(text)) : text);
  }
  return hash("sha256", JSON.stringify(covered), "hex");
}

export function addDigest({ rows, sum }: ContentSum, digest: string): ContentSum {
  return { rows: rows + 1, sum: hexOf(BigInt(`0x${sum}`) + BigInt(`0x${digest}`)) };
}

export function removeDigest({ rows, sum }: ContentSum, digest: string): ContentSum {
  return { rows: rows - 1, sum: hexOf(BigInt(`0x${sum}`) - BigInt(`0x${digest}`)) };
}

/** Adds many up: quicker than one at a time. */
export class Summed {
  #rows = 0;
  #sum = 0n;

  add(digest: string): void {
    this.#rows++;
    this.#sum += BigInt(`0x${digest}`);
  }

  sum(): ContentSum {
    return { rows: this.#rows, sum: hexOf(this.#sum) };
  }
}

/** What the digest covers: the columns' canonical texts in the order of their names' bytes, as a JSON array. */
export function canonicalRow(model: StoreModel, row: Row): string {
  const texts: (string | null)[] = [];
  for (const { name, codec, content } of codecsOf(model).sorted) {
    const value = cell(row, name);
    if (value === null) texts.push(null);
    else if (!content) texts.push(codec.canonical(value));
    else texts.push(isReference(value) ? value.$content : hash("sha256", bytesOfContent(value), "hex"));
  }
  return JSON.stringify(texts);
}

function hexOf(sum: bigint): string {
  return BigInt.asUintN(256, sum).toString(16).padStart(64, "0");
}
