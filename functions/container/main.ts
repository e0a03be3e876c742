/**
 * What the container runs: one step of one promotion, or one task, then it ends. The machine waits for its answer under a
 * task token, as it waits for a function's; a container that dies is found by its silence.
 */
import { failureOf, stopped } from "./failure.ts";
import { machine } from "./machine.ts";
import { readOrder } from "./order.ts";
import { EXITS, run } from "./run.ts";

const { ended, giveBack } = run(readOrder(process.env), machine);

// Fargate sends it to what it takes away, and kills half a minute later. What the step was doing on a server is ended by
// its next attempt, before that begins.
process.on("SIGTERM", () => giveBack(stopped("SIGTERM"), EXITS.stopped));
// As in a function, what nobody awaited ends the process, and is told.
process.on("uncaughtException", (error) => giveBack(failureOf(error), EXITS.failed));

process.exit(await ended);
