/**
 * The promotion log proved little by little: what is new each time, and again a part of what was proved before, so that no
 * round takes longer as the log grows and none of it stays unread for ever.
 */
import * as z from "zod";
import { type BrokenLink, LOG_START, type LogHead } from "../core/log.ts";
import { readEvents } from "../io/ledger/events.ts";
import { logKey } from "../io/ledger/outbox.ts";
import { noteRound, readRound } from "../io/ledger/rounds.ts";
import type { ObjectStore } from "../io/object-store.ts";
import type { Session } from "../io/postgres/session.ts";
import { provePage } from "./log-proof.ts";

/** Pages of 500 events that a round reads once more. */
const AGAIN = 4;

const head = z.object({ seq: z.int().min(0), hash: z.string() });

/** `proved`: the end of what was ever proved; `again`: how far the reading of it from the start has come. */
const progress = z.object({ proved: head, again: head });

const START: LogHead = { seq: 0, hash: LOG_START };

export interface LogAudit {
  /** The newest event that holds, with all before it. */
  proved: number;
  /** Up to which it was read once more in this course. */
  again: number;
  broken?: BrokenLink;
}

/** Goes on where the last round was, while it may. What is broken stays where it is, and is found by each round. */
export async function auditLog(
  ledger: Session,
  store: ObjectStore,
  mayGoOn: () => boolean,
): Promise<LogAudit> {
  const left = progress.safeParse(await readRound(ledger, "audit"));
  let { proved, again } = left.success ? left.data : { proved: START, again: START };
  let broken: BrokenLink | undefined;
  const walk = async (from: LogHead, pages: number) => {
    let at = from;
    for (let left = pages; left > 0 && broken === undefined && mayGoOn(); left--) {
      const page = await provePage(ledger, store, at);
      broken = page.broken;
      if (page.head.seq === at.seq) break;
      at = page.head;
    }
    return at;
  };
  proved = await walk(proved, Number.POSITIVE_INFINITY);
  broken ??= await findBeyond(ledger, store, proved);
  if (again.seq >= proved.seq) again = START;
  again = await walk(again, AGAIN);
  await noteRound(ledger, "audit", { proved, again });
  return { proved: proved.seq, again: again.seq, ...(broken && { broken }) };
}

/** A ledger that was cut off behind its last event still agrees with itself; its copies do not. */
async function findBeyond(
  ledger: Session,
  store: ObjectStore,
  { seq }: LogHead,
): Promise<BrokenLink | undefined> {
  if (!(await isThere(store, logKey(seq + 1)))) return undefined;
  // What was copied was committed before, so it must be there by now.
  const [event] = await readEvents(ledger, { after: seq, limit: 1 });
  if (event !== undefined) return undefined;
  return { seq: seq + 1, reason: "the ledger ends before it, but the bucket has a copy of it" };
}

async function isThere(store: ObjectStore, key: string): Promise<boolean> {
  for await (const found of store.list(key)) if (found.key === key) return true;
  return false;
}
