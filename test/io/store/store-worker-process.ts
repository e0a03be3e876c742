/** The process behind `StoreWorker`. */
import { subscribe } from "node:diagnostics_channel";
import { openJsonStore } from "../../../io/store/json-store.ts";
import { openPlace } from "../../../io/store/open-place.ts";
import { DEFINITION as definition } from "./definition.ts";
import { answers, outcomeOf } from "./random-transactions.ts";
import type { Job } from "./store-worker.ts";

let left: number | null = null;
subscribe("rehearsal:store-milestone", () => {
  if (left !== null && left-- === 0) process.kill(process.pid, "SIGKILL");
});

process.on("message", async ({ at, who, work, killAt }: Job) => {
  try {
    const store = await openJsonStore({ place: await openPlace(at), definition });
    left = killAt;
    for (const [nth, asked] of work.entries())
      process.send?.(
        await outcomeOf(() =>
          store.transaction(async (tx) => {
            const number = (await tx.count("Log")) + 1;
            const given = await answers(tx, asked);
            await tx.append("Log", { number, what: JSON.stringify([who, nth]) });
            return [...given, undefined];
          }),
        ),
      );
    left = null;
    await store.close();
    process.send?.("done");
  } catch (error) {
    process.send?.({ failed: String((error as Error).stack) });
  }
});
