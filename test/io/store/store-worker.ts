/** A process that writes to stores as it is told, and dies when it has passed so many points; the next one takes its place. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Asked, Outcome } from "./plain-store.ts";

export interface Job {
  /** A folder, or an address in the bucket of the tests. */
  at: string;
  who: number;
  work: Asked[][];
  /** The point, counted from 0, at which it is killed; null is never. */
  killAt: number | null;
}

export class StoreWorker {
  #process: ChildProcess | undefined;

  /** What each transaction came to, as far as it was told before the process died. */
  run(job: Job): Promise<Outcome[]> {
    this.#process ??= fork(fileURLToPath(new URL("store-worker-process.ts", import.meta.url)), {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
    });
    const worker = this.#process;
    const outcomes: Outcome[] = [];
    return new Promise((resolve, reject) => {
      worker.removeAllListeners();
      worker.on("message", (told: Outcome | "done" | { failed: string }) => {
        if (told === "done") resolve(outcomes);
        else if ("failed" in told) reject(new Error(told.failed));
        else outcomes.push(told);
      });
      worker.on("exit", (code, signal) => {
        this.#process = undefined;
        if (signal === "SIGKILL") resolve(outcomes);
        else reject(new Error(`a worker ended with ${code}`));
      });
      worker.send(job);
    });
  }

  stop(): void {
    this.#process?.removeAllListeners();
    this.#process?.kill("SIGKILL");
  }
}
