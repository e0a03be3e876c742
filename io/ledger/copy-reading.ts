/** Reads the ledger's copy back from the bucket, object by object, and believes none that does not fit into the chain. */
import { sha256 } from "../../core/digest.ts";
import { RehearsalError } from "../../core/errors.ts";
import { brokenPlace, COPY_START, type CopyHead, type CopyLine } from "../../core/ledger-copy.ts";
import type { ObjectStore } from "../object-store.ts";
import { copyKey, readCopyObject } from "./copies.ts";

interface CopyPart {
  head: CopyHead;
  lines: CopyLine[];
  /** sha256 of the object's bytes. */
  hash: string;
}

/** Objects that are fetched at once: each has some kilobytes, and the way to S3 takes longer than they do. */
const READERS = 16;

/** The numbers of the objects there are, ascending. */
export async function listCopy(store: ObjectStore): Promise<number[]> {
  const found: number[] = [];
  for await (const { key } of store.list("ledger/")) {
    const number = /^ledger\/(\d{12})\.jsonl\.zst$/.exec(key)?.[1];
    if (number !== undefined) found.push(Number(number));
  }
  return found;
}

/** One object; throws `LedgerCopyBroken` when it is missing, or none. */
export async function readPart(store: ObjectStore, number: number): Promise<CopyPart> {
  const key = copyKey(number);
  try {
    const bytes = await store.get(key);
    return { ...readCopyObject(bytes), hash: sha256(bytes) };
  } catch (error) {
    if (error instanceof RehearsalError && error.code !== "ObjectMissing") throw error;
    const reason =
      error instanceof RehearsalError
        ? "it is missing"
        : `it cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    throw new RehearsalError("LedgerCopyBroken", { key, reason }, { cause: error });
  }
}

/** The objects from one number to another, in order and each proved to follow the one before it; throws `LedgerCopyBroken`. */
export async function* readCopy(
  store: ObjectStore,
  { from, to }: { from: number; to: number },
): AsyncGenerator<CopyPart> {
  let previous = from === 1 ? COPY_START : undefined;
  for (let at = from; at <= to; at += READERS) {
    const numbers = Array.from({ length: Math.min(READERS, to - at + 1) }, (_, nth) => at + nth);
    // All of them have ended before the first that failed is told: none is left under way.
    const read = await Promise.allSettled(numbers.map((number) => readPart(store, number)));
    for (const [nth, one] of read.entries()) {
      if (one.status === "rejected") throw one.reason;
      const number = at + nth;
      const broken = brokenPlace(one.value.head, { number, previous });
      if (broken !== undefined)
        throw new RehearsalError("LedgerCopyBroken", { key: copyKey(number), reason: broken });
      previous = one.value.hash;
      yield one.value;
    }
  }
}

export interface FoundCopy {
  /** The first object that is needed, and the last with which the ledger is whole. */
  from: number;
  to: number;
  /** The head of `to`. */
  head: CopyHead;
  /** Behind it: what was begun to be copied, and not ended. */
  behind: CopyPart[];
  /** The number and hash of the newest object of all, on which the next one follows. */
  newest: { number: number; hash: string };
}

/** Finds what a ledger can be rebuilt from; throws `LedgerCopyMissing`, and `LedgerCopyBroken` when an object is missing amid the others. */
export async function findCopy(store: ObjectStore): Promise<FoundCopy> {
  const missing = (reason: string) =>
    new RehearsalError("LedgerCopyMissing", { bucket: store.bucket, reason });
  const numbers = await listCopy(store);
  const last = numbers.at(-1);
  if (last === undefined) throw missing("there is nothing under ledger/");
  const behind: CopyPart[] = [];
  let to = last;
  let part = await readPart(store, to);
  const newest = { number: last, hash: part.hash };
  while (!part.head.consistent) {
    behind.unshift(part);
    to--;
    if (to === 0) throw missing("none of its objects is the last of what was copied at once");
    part = await readPart(store, to);
  }
  const { head } = part;
  if (head.whole === null) throw missing("its rows were still being copied for the first time");
  let previous = part.hash;
  for (const { head: next, hash } of behind) {
    const reason = brokenPlace(next, { number: next.number, previous });
    if (reason !== undefined)
      throw new RehearsalError("LedgerCopyBroken", { key: copyKey(next.number), reason });
    previous = hash;
  }
  const there = new Set(numbers);
  for (let number = head.whole; number <= last; number++)
    if (!there.has(number))
      throw new RehearsalError("LedgerCopyBroken", { key: copyKey(number), reason: "it is missing" });
  return { from: head.whole, to, head, behind, newest };
}
