/** The promotion log's chain: what one event's hash covers, and how a chain is proved. FORMATS.md pins the bytes. */
import { canonicalJson, type Json } from "./canonical-json.ts";
import { sha256 } from "./digest.ts";

export const LOG_START = "0".repeat(64);

export interface EventContent {
  /** Gap-free from 1, in the order of commit; clocks have no say in the order. */
  seq: number;
  /** For people: when the writer believed it was, ISO 8601 UTC. */
  at: string;
  type: string;
  environment: string | null;
  promotion: string | null;
  data: Json;
}

/** An event as it stands in the ledger and in S3. */
export interface LogEntry {
  seq: number;
  /** Canonical JSON of the EventContent: the bytes that were hashed. */
  body: string;
  /** The hash of the event before, or 64 zeros. */
  previous: string;
  /** sha256 of `previous`, a line feed, and `body`. */
  hash: string;
}

/** Links an event behind the one whose hash is `previous`. */
export function linkEvent(content: EventContent, previous: string): LogEntry {
  const body = canonicalJson(content as unknown as Json);
  return { seq: content.seq, body, previous, hash: sha256(`${previous}\n${body}`) };
}

export interface BrokenLink {
  seq: number;
  reason: string;
}

/** The last event of a part of the chain that was proved. */
export type LogHead = Pick<LogEntry, "seq" | "hash">;

/**
 * Proves a chain from its first event, or page by page from behind `after`, the last event proved before; returns the
 * first broken link, or undefined when all that was given holds.
 */
export function findBrokenLink(
  entries: Iterable<LogEntry>,
  after: LogHead = { seq: 0, hash: LOG_START },
): BrokenLink | undefined {
  let previous = after.hash;
  let expected = after.seq + 1;
  for (const entry of entries) {
    if (entry.seq !== expected)
      return {
        seq: expected,
        reason: `event ${expected} is missing: event ${entry.seq} stands in its place`,
      };
    if (entry.previous !== previous)
      return {
        seq: entry.seq,
        reason: `it names ${entry.previous} as the hash before it, which is ${previous}`,
      };
    if (sha256(`${entry.previous}\n${entry.body}`) !== entry.hash)
      return { seq: entry.seq, reason: "its body does not have the hash it carries" };
    if (seqOf(entry.body) !== entry.seq)
      return { seq: entry.seq, reason: "its body tells another sequence number than its place" };
    previous = entry.hash;
    expected++;
  }
  return undefined;
}

function seqOf(body: string): unknown {
  try {
    return (JSON.parse(body) as { seq?: unknown }).seq;
  } catch {
    // Not JSON: such a body tells no number, and the caller names the link.
    return undefined;
  }
}
