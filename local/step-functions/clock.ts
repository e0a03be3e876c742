/** Time as the engine sees it, so that a test can hold it still. */

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves at the given instant, at once when it has passed; rejects when the signal fires first. */
  until(instant: number, signal: AbortSignal): Promise<void>;
}

/** Longer sleeps overflow setTimeout, so they are taken in pieces. */
const LONGEST_SLEEP = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  until: (instant, signal) =>
    new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const look = () => {
        const left = instant - Date.now();
        if (left > 0) {
          timer = setTimeout(look, Math.min(left, LONGEST_SLEEP));
          return;
        }
        signal.removeEventListener("abort", stop);
        resolve();
      };
      let timer: NodeJS.Timeout | undefined;
      if (signal.aborted) stop();
      else {
        signal.addEventListener("abort", stop, { once: true });
        look();
      }
    }),
};
