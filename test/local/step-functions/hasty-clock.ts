/** A clock for tests of whole machines: what they wait between tries does not take its time. */
import type { Clock } from "../../../local/step-functions/clock.ts";

/** Pauses between tries pass at once; longer waits end when a test says so, the soonest first. */
export function hastyClock(): Clock & { timeOut(): void } {
  let now = Date.parse("2030-01-01T00:00:00Z");
  const waits = new Map<() => void, number>();
  return {
    now: () => now,
    until: (instant, signal) => {
      if (instant - now <= LONGEST_PAUSE) {
        now = Math.max(now, instant);
        return Promise.resolve();
      }
      return new Promise((resolve, reject) => {
        waits.set(resolve, instant);
        signal.addEventListener("abort", () => {
          waits.delete(resolve);
          reject(signal.reason);
        });
      });
    },
    timeOut: () => {
      const [soonest] = [...waits].sort(([, a], [, b]) => a - b);
      soonest?.[0]();
    },
  };
}

/** No retrier has a longer MaxDelaySeconds; every state's time-out is longer. */
const LONGEST_PAUSE = 60_000;
