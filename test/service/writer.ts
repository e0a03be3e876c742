/** An application that never stops writing: it reconnects at once when it is turned away. */
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import type { DatabaseAddress } from "../../core/database-url.ts";

export interface Writer {
  /** Ends the writing; the titles that were committed for sure, how often it was turned away, and the milliseconds that one of them took at most. */
  stop(): Promise<{ accepted: string[]; refused: number; longest: number }>;
}

/** Inserts into `public.videos`, one row a transaction, each with a title of its own; `rest` milliseconds between them. */
export function startWriter(address: DatabaseAddress, { rest = 0 } = {}): Writer {
  const accepted: string[] = [];
  let refused = 0;
  let longest = 0;
  let over = false;
  const running = (async () => {
    for (let number = 1; !over; ) {
      const client = new pg.Client({ ...address, ssl: false });
      client.on("error", () => undefined);
      try {
        await client.connect();
        while (!over) {
          const title = `live ${number++}`;
          const began = performance.now();
          await client.query("insert into public.videos (title) values ($1)", [title]);
          longest = Math.max(longest, performance.now() - began);
          accepted.push(title);
          if (rest > 0) await pause(rest);
        }
      } catch {
        // Turned away, cut off, or read-only: count it and come again.
        refused++;
      } finally {
        await client.end().catch((error: unknown) => error);
      }
    }
  })();
  return {
    stop: async () => {
      over = true;
      await running;
      return { accepted, refused, longest };
    },
  };
}
