/** Proves the promotion log: the chain in the ledger from its first event, and every copy in the bucket against it. */
import { RehearsalError } from "../core/errors.ts";
import { type BrokenLink, findBrokenLink, LOG_START, type LogEntry, type LogHead } from "../core/log.ts";
import { readEvents } from "../io/ledger/events.ts";
import { listUnsent, logKey, logObject } from "../io/ledger/outbox.ts";
import type { ObjectStore } from "../io/object-store.ts";
import type { Session } from "../io/postgres/session.ts";

interface LogProof {
  /** How many hold, from the first. */
  events: number;
  /** The hash of the last that holds, or 64 zeros. */
  head: string;
  /** How many of them have an equal copy in the bucket. */
  copies: number;
  broken?: BrokenLink;
}

const PAGE = 500;
const READERS = 16;

/** Walks the whole chain in pages. An event whose copy still waits to be sent is not missing one. */
export async function proveLog(ledger: Session, store: ObjectStore): Promise<LogProof> {
  // The copies are listed first: whatever was copied by then was committed before, and must be found in the ledger.
  const copied = await copiedSeqs(store);
  let head: LogHead = { seq: 0, hash: LOG_START };
  let copies = 0;
  const proof = (broken?: BrokenLink): LogProof => ({
    events: head.seq,
    head: head.hash,
    copies,
    ...(broken && { broken }),
  });
  for (;;) {
    const page = await provePage(ledger, store, head, copied);
    copies += page.copies;
    if (page.broken !== undefined) {
      head = page.head;
      return proof(page.broken);
    }
    if (page.head.seq === head.seq) break;
    head = page.head;
  }
  const beyond = Math.max(0, ...copied);
  if (beyond > head.seq)
    return proof({
      seq: head.seq + 1,
      reason: `the ledger ends before it, but the bucket has copies up to event ${beyond}`,
    });
  return proof();
}

interface ProvedPage {
  /** The last event that holds; where the page began when none does, or there is none. */
  head: LogHead;
  /** How many of the events that hold have an equal copy. */
  copies: number;
  broken?: BrokenLink;
}

/** Proves the events behind one that was proved, a page of them. `copied` names some that must have a copy whatever waits. */
export async function provePage(
  ledger: Session,
  store: ObjectStore,
  after: LogHead,
  copied: ReadonlySet<number> = new Set(),
): Promise<ProvedPage> {
  const page = await readEvents(ledger, { after: after.seq, limit: PAGE });
  // Looked at behind the events: one that came meanwhile is not among them.
  const waiting = new Set(page.length === 0 ? [] : await listUnsent(ledger));
  const brokenLink = findBrokenLink(page, after);
  const sound = page.filter(({ seq }) => brokenLink === undefined || seq < brokenLink.seq);
  const expected = sound.filter(({ seq }) => copied.has(seq) || !waiting.has(seq));
  const broken = (await findBrokenCopy(store, expected)) ?? brokenLink;
  const holds = ({ seq }: LogEntry) => broken === undefined || seq < broken.seq;
  return {
    head: sound.findLast(holds) ?? after,
    copies: expected.filter(holds).length,
    ...(broken && { broken }),
  };
}

async function copiedSeqs(store: ObjectStore): Promise<Set<number>> {
  const found = new Set<number>();
  for await (const { key } of store.list("log/")) {
    const seq = /^log\/(\d+)\.json$/.exec(key)?.[1];
    if (seq !== undefined) found.add(Number(seq));
  }
  return found;
}

/** Reads the copies of a page, several at once; returns the first in order that is missing or differs. */
async function findBrokenCopy(
  store: ObjectStore,
  entries: readonly LogEntry[],
): Promise<BrokenLink | undefined> {
  for (let at = 0; at < entries.length; at += READERS) {
    const found = await Promise.all(
      entries.slice(at, at + READERS).map(async (entry) => {
        const reason = await brokenCopy(store, entry);
        return reason === undefined ? undefined : { seq: entry.seq, reason };
      }),
    );
    const broken = found.find((link) => link !== undefined);
    if (broken !== undefined) return broken;
  }
  return undefined;
}

async function brokenCopy(store: ObjectStore, entry: LogEntry): Promise<string | undefined> {
  try {
    const copy = Buffer.from(await store.get(logKey(entry.seq))).toString();
    return copy === logObject(entry) ? undefined : "its copy in the bucket says something else";
  } catch (error) {
    if (error instanceof RehearsalError && error.code === "ObjectMissing")
      return "its copy in the bucket is missing";
    throw error;
  }
}
