/** A row's digest, and the sum of a model's digests: what it holds, whatever the order of its rows. */
import type { StoreModel } from "./definition.ts";
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
export function rowDigest(_model: StoreModel, _row: Row): string {
  throw new Error("not yet");
}

export function addDigest(_sum: ContentSum, _digest: string): ContentSum {
  throw new Error("not yet");
}

export function removeDigest(_sum: ContentSum, _digest: string): ContentSum {
  throw new Error("not yet");
}

/** Adds many up: quicker than one at a time. */
export class Summed {
  add(_digest: string): void {
    throw new Error("not yet");
  }

  sum(): ContentSum {
    throw new Error("not yet");
  }
}
