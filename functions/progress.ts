/** Progress for whoever watches: the newest is kept, and written now and then. */
import type { Progress } from "../core/progress.ts";

interface ProgressNote {
  /** Notes how far it is. */
  tell(progress: Progress): void;
  /** Writes the newest; nothing when nothing was told. */
  writeLatest(): Promise<void>;
}

/** Keeps the newest progress, and gives it to `write` at most twice a second. */
export function noteProgress(write: (progress: Progress) => Promise<void>): ProgressNote {
  let latest: Progress | undefined;
  const writeLatest = async () => {
    if (latest !== undefined) await write(latest);
  };
  const writeSometimes = throttle(writeLatest);
  return {
    tell: (progress) => {
      latest = progress;
      writeSometimes();
    },
    writeLatest,
  };
}

/** At most two a second, and never two at once: a write that is under way stands for those that came meanwhile. */
function throttle(write: () => Promise<void>): () => void {
  let last = 0;
  let writing = false;
  return () => {
    if (writing || performance.now() - last < 500) return;
    writing = true;
    last = performance.now();
    const ended = () => {
      writing = false;
    };
    // A ledger that cannot be written to is told by the step's own end, which writes to it as well.
    write().then(ended, ended);
  };
}
