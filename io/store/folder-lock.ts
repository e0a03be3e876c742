/** The lock of a store's folder: the system's own on a file, so it goes with the process that holds it, however that ends. */
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { RehearsalError } from "../../core/errors.ts";
import { failing, LOCK, makeFolder } from "./folder-files.ts";
import { CACHE } from "./place.ts";
import { unsafe } from "./store-path.ts";

type Lock = import("node:sqlite").DatabaseSync;

export class FolderLock {
  readonly #top: string;
  readonly #patience: number;
  #lock: Promise<Lock> | undefined;
  /** Whoever of this process wants it waits for the one before. */
  #turn: Promise<unknown> = Promise.resolve();

  /** `patience`: milliseconds that somebody waits for other processes. */
  constructor(top: string, patience: number) {
    this.#top = top;
    this.#patience = patience;
  }

  /** Runs the work while nobody else has the lock; throws `StoreBusy`. */
  during<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(async () => {
      const lock = await this.#locked();
      try {
        return await work();
      } finally {
        lock.exec("rollback");
      }
    });
    // The next one's turn comes however this one ends.
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    await this.#turn;
    const lock = await this.#lock?.catch(() => undefined);
    this.#lock = undefined;
    lock?.close();
  }

  async #locked(): Promise<Lock> {
    this.#lock ??= openLock(this.#top);
    const lock = await this.#lock.catch((error: unknown) => {
      this.#lock = undefined;
      throw error;
    });
    let waited = 0;
    for (let tries = 1; ; tries++) {
      try {
        lock.exec("begin exclusive");
        return lock;
      } catch (error) {
        if ((error as { errcode?: number }).errcode !== BUSY)
          throw new RehearsalError(
            "StorePlaceFailed",
            { place: this.#top, reason: `${LOCK}: ${(error as Error).message}` },
            { cause: error },
          );
        if (waited >= this.#patience) throw new RehearsalError("StoreBusy", { tries }, { cause: error });
        // Counted and not measured: a clock that is set does not end the waiting, nor lengthen it.
        const time = Math.random() * Math.min(2 ** tries, 25);
        waited += time;
        await pause(time);
      }
    }
  }
}

/** SQLITE_BUSY. */
const BUSY = 5;

async function openLock(top: string): Promise<Lock> {
  const { DatabaseSync } = await import("node:sqlite");
  return failing(top, async () => {
    await makeFolder(top, CACHE);
    if ((await realpath(join(top, CACHE))) !== join(top, CACHE.slice(0, -1)))
      throw unsafe(LOCK, "a folder above it is a link");
    return new DatabaseSync(join(top, LOCK), { timeout: 0 });
  });
}
