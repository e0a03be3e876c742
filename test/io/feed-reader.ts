/**
 * A process that follows a feed until it is killed: each page goes with its cursor into a journal, one line at a time, and what it
 * keeps has to equal the table whenever a delta has ended. Says "page" and of how many for each page, and "equal" where nothing had come and all was so.
 */
import { existsSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { argv, exit, stdout } from "node:process";
import type { DatabaseAddress } from "../../core/database-url.ts";
import type { FeedCursor } from "../../core/feed.ts";
import { readChanges } from "../../io/postgres/feed.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";

/** A line of the journal. */
export interface Page {
  cursor: FeedCursor;
  /** The delta of this page has ended, and the rows were as this reader keeps them. */
  equal: boolean;
  changes: [position: string, change: string, id: string][];
  /** The rows of these changes as they were; null is gone. */
  rows: Record<string, string | null>;
}

/** The pages that were written whole, and how many bytes they are. */
export function readJournal(path: string): { pages: Page[]; bytes: number } {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const lines = whole.split("\n").filter((line) => line !== "");
  return { pages: lines.map((line) => JSON.parse(line) as Page), bytes: Buffer.byteLength(whole) };
}

async function follow(address: DatabaseAddress, path: string, from: FeedCursor, limit: number) {
  const { pages, bytes } = readJournal(path);
  const journal = openSync(path, "a");
  // The last line may be torn.
  ftruncateSync(journal, bytes);
  const kept = new Map(pages.flatMap(({ rows }) => Object.entries(rows)));
  const session = await openSession(address, { application: "feed reader" });
  for (let cursor = pages.at(-1)?.cursor ?? from; ; )
    await session.transaction(async () => {
      const whole = cursor.to === undefined;
      for (let complete = false; !complete; ) {
        const delta = await readChanges(session, "public.changes", cursor, limit);
        ({ cursor, complete } = delta);
        const rows = await rowsOf(session, [...new Set(delta.changes.map(({ key }) => key?.id ?? ""))]);
        for (const [id, row] of Object.entries(rows)) kept.set(id, row);
        const equal = whole && complete && (await isEqual(session, kept));
        if (whole && complete && !equal) throw new Error("what was followed is not what is there");
        const page: Page = {
          ...{ cursor, equal, rows },
          changes: delta.changes.map(({ position, change, key }) => [position, change, key?.id ?? ""]),
        };
        if (delta.changes.length > 0) writeSync(journal, `${JSON.stringify(page)}\n`);
        stdout.write(delta.changes.length > 0 ? `page ${delta.changes.length}\n` : equal ? "equal\n" : "\n");
      }
    }, "begin isolation level repeatable read, read only");
}

async function rowsOf(session: Session, ids: string[]): Promise<Page["rows"]> {
  const found = await session.query<{ id: string; row: string }>(
    "select id::text, n::text as row from public.counters where id = any ($1::bigint[])",
    [ids],
  );
  const rows = new Map(found.map(({ id, row }) => [id, row]));
  return Object.fromEntries(ids.map((id) => [id, rows.get(id) ?? null]));
}

async function isEqual(session: Session, kept: ReadonlyMap<string, string | null>): Promise<boolean> {
  const found = await session.query<{ id: string; row: string }>(
    "select id::text, n::text as row from public.counters",
  );
  const there = [...kept.values()].filter((row) => row !== null).length;
  return found.length === there && found.every(({ id, row }) => kept.get(id) === row);
}

const [, script, address, path, from, limit] = argv;
if (script === import.meta.filename)
  await follow(JSON.parse(address ?? ""), path ?? "", JSON.parse(from ?? ""), Number(limit)).catch(
    (error) => {
      console.error(error);
      exit(1);
    },
  );
