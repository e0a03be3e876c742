/** One upload that is written to piece by piece; whoever writes waits while it is behind. */
import { once } from "node:events";
import { PassThrough } from "node:stream";
import type { Put } from "../stored-object.ts";

export interface Sink {
  write(pieces: readonly Uint8Array[]): Promise<void>;
  /** Waits until the object is there. */
  end(): Promise<Put>;
  /** Gives up: nothing is left in the bucket. */
  abandon(error: unknown): Promise<void>;
}

/** Bytes that wait in memory before the writer does. */
const WAITING = 1024 ** 2;

/** `upload` reads its source to the end and puts it, as `ObjectStore.putStream` does. */
export function openSink(upload: (source: AsyncIterable<Uint8Array>) => Promise<Put>): Sink {
  const through = new PassThrough({ highWaterMark: WAITING });
  const done = upload(through as AsyncIterable<Uint8Array>);
  // Whoever writes is told, or whoever ends it.
  const failed = done.then(
    () => new Promise<never>(() => undefined),
    (error: unknown) => {
      through.destroy();
      throw error;
    },
  );
  failed.catch(() => undefined);
  return {
    write: async (pieces) => {
      for (const piece of pieces)
        if (!through.write(piece)) await Promise.race([once(through, "drain"), failed]);
    },
    end: () => {
      through.end();
      return done;
    },
    abandon: async (error) => {
      through.destroy(error instanceof Error ? error : new Error(String(error)));
      // It fails of this error, which whoever abandons it has in hand.
      await done.catch(() => undefined);
    },
  };
}
