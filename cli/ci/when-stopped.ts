/** A job that is stopped from outside has some seconds left to say so. */
import { constants } from "node:os";

type Stop = "SIGINT" | "SIGTERM";

/**
 * Does the work, which tells by itself what it cannot do, when this process is asked to end, and then ends it. Being asked
 * again, as runners do, hurries nothing. Returns what takes that back.
 */
export function whenStopped(work: () => Promise<void>): () => void {
  let stopping = false;
  const end = (signal: Stop) => {
    if (stopping) return;
    stopping = true;
    const exit = () => process.exit(128 + constants.signals[signal]);
    work().then(exit, exit);
  };
  process.on("SIGINT", end);
  process.on("SIGTERM", end);
  return () => {
    process.off("SIGINT", end);
    process.off("SIGTERM", end);
  };
}
