/**
 * Quilltap at work: people write until SIGTERM, on the backend that DATA_BACKEND names, with the places that DATABASE_URL and
 * DATA_STORE name; QUILLTAP_PEPPER opens their secrets. A line tells that they have begun; the last one what was done, as JSON.
 */
import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { logBackendConfig, openStore, RehearsalError } from "../../../store/library.ts";
import { ACTS, drawAct, sitDown } from "./acts.ts";
import { models } from "./models.generated.ts";

/** Who are at it at once, and how many milliseconds each rests between two acts at most. */
const PEOPLE = 4;
const REST = 80;

let stopped = false;
process.on("SIGTERM", () => {
  stopped = true;
});

logBackendConfig();
let differences = 0;
const store = await openStore({
  models,
  onDifference: (difference) => {
    differences++;
    process.stderr.write(`${JSON.stringify(difference)}\n`);
  },
});
const acts: Record<string, number> = {};
let tokens = 0;
const desk = await sitDown(store, process.env.QUILLTAP_PEPPER ?? "");
process.stdout.write(`${process.env.DATA_BACKEND}: ${desk.chats.length} chats are open\n`);
await Promise.all(Array.from({ length: PEOPLE }, work));
await store.close();
process.stdout.write(`${JSON.stringify({ backend: process.env.DATA_BACKEND, acts, tokens, differences })}\n`);

/** One act after the other; what was begun is ended. */
async function work(): Promise<void> {
  while (!stopped) {
    const name = drawAct();
    const done = await ACTS[name]?.act(desk).catch(told);
    if (done === "came between") count(`${name}, given up for another`);
    else if (done?.gone !== true) count(name);
    if (done !== "came between") tokens += done?.tokens ?? 0;
    await pause(randomInt(REST));
  }
}

/** Somebody else's act may have the better of this one too often in a row: a person would try again. */
function told(error: unknown): "came between" {
  if (error instanceof RehearsalError && error.code === "StoreBusy") return "came between";
  throw error;
}

function count(what: string): void {
  acts[what] = (acts[what] ?? 0) + 1;
}
