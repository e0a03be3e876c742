/** A clock that moves only when the test says so. */
import type { Clock } from "../../../local/step-functions/clock.ts";

export interface StillClock extends Clock {
  /** Makes it that much later at once. */
  move(seconds: number): void;
  /** Resolves when somebody sleeps until that many seconds from now. */
  asleep(seconds: number): Promise<void>;
  /** Waits until somebody sleeps until that many seconds from now, then makes it that late. */
  pass(seconds: number): Promise<void>;
}

export function stillClock(start = Date.parse("2030-01-01T00:00:00Z")): StillClock {
  let now = start;
  const sleepers = new Set<{ instant: number; wake: () => void }>();
  const watchers = new Set<() => void>();
  const self: StillClock = {
    now: () => now,
    until: (instant, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        if (instant <= now) return resolve();
        const sleeper = { instant, wake: resolve };
        sleepers.add(sleeper);
        signal.addEventListener(
          "abort",
          () => {
            sleepers.delete(sleeper);
            reject(signal.reason);
          },
          { once: true },
        );
        for (const look of watchers) look();
      }),
    move: (seconds) => {
      now += seconds * 1000;
      for (const sleeper of sleepers)
        if (sleeper.instant <= now) {
          sleepers.delete(sleeper);
          sleeper.wake();
        }
    },
    asleep: (seconds) =>
      new Promise((resolve) => {
        const look = () => {
          if (![...sleepers].some(({ instant }) => instant === now + seconds * 1000)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
    pass: async (seconds) => {
      await self.asleep(seconds);
      self.move(seconds);
    },
  };
  return self;
}
