/** Follows a promotion to its end: each step is told once it has ended, and the one that runs while somebody looks. */
import { setTimeout as pause } from "node:timers/promises";
import { RehearsalError } from "../core/errors.ts";
import { EXIT_CODES, isEnded, type Status } from "../core/steps.ts";
import { type Detail, detail, type StepAttempt } from "./answers.ts";
import type { Client } from "./client.ts";
import type { Context, Outcome } from "./command.ts";
import { howToDecide, liveLine, reason, stepCells } from "./promotion-text.ts";
import { exitOf } from "./refusal.ts";
import type { Terminal } from "./terminal.ts";
import { columns } from "./text.ts";

/** Milliseconds between two looks. */
export const EVERY = 400;

/** Milliseconds that a service which has answered before may be silent: it may be starting anew. */
const PATIENCE = 60_000;

/**
 * Looks until it has ended, or waits for a decision that nobody here could give. `wanted` is the end that counts as
 * success; being promoted and having nothing to do when it is left out.
 */
export async function follow(context: Context, id: string, wanted?: Status): Promise<Outcome> {
  const { terminal } = context;
  const stopped = terminal.whenInterrupted(
    `${id} goes on by itself; follow it again with: rehearsal watch ${id}`,
  );
  try {
    const looks = look(context, id);
    for (;;) {
      const found = await looks();
      if (isEnded(found.status)) return { value: found, text: reason(found), exit: exitOfEnd(found, wanted) };
      if (found.status === "waiting" && (!terminal.interactive || context.json))
        return { value: found, text: howToDecide(found), exit: EXIT_CODES.waiting };
      await pause(EVERY);
    }
  } finally {
    stopped();
  }
}

/** One look after the other, each telling what is new since the last. */
function look(context: Context, id: string): () => Promise<Detail> {
  const { terminal } = context;
  const told = new Set<string>();
  const tellOnce = (name: string, line: () => string) => {
    if (told.has(name)) return;
    told.add(name);
    terminal.err(line());
  };
  const ask = patiently(context, async (client) =>
    client.get(`/promotions/${encodeURIComponent(id)}`, detail),
  );
  return async () => {
    const found = await ask();
    for (const attempt of found.steps)
      if (attempt.status !== "running")
        tellOnce(`${attempt.step} ${attempt.attempt}`, () => stepLine(terminal, attempt));
    if (found.status === "waiting" && terminal.interactive) tellOnce("waiting", () => howToDecide(found));
    const running = found.steps.findLast(({ status }) => status === "running");
    if (running !== undefined)
      terminal.live(liveLine(running, Math.max(0, Date.now() - Date.parse(running.startedAt))));
    return found;
  };
}

/** Asks again and again while the service is silent that has answered before; it may be starting anew. */
export function patiently<T>(
  { terminal, client }: Context,
  ask: (client: Client) => Promise<T>,
): () => Promise<T> {
  let answered: number | undefined;
  return async () => {
    for (;;) {
      try {
        const found = await ask(await client());
        answered = performance.now();
        return found;
      } catch (error) {
        const silent = error instanceof RehearsalError && error.code === "ServiceUnreachable";
        if (!silent || answered === undefined || performance.now() - answered > PATIENCE) throw error;
        terminal.live("the service does not answer; asking again");
      }
    }
  };
}

/** Drift, a lock and a missing approval have exit codes of their own; whatever else refused, production is safe. */
function exitOfEnd({ status, error }: Detail, wanted: Status | undefined): number {
  if (status === wanted) return 0;
  const own = status === "refused" && error !== null ? exitOf(error) : undefined;
  return own === 3 || own === 4 || own === 5 ? own : EXIT_CODES[status];
}

/** Wide enough for the longest of each, so that lines told one by one stand under each other. */
const WIDTHS = ["running", "roll-back (try 2)", "59 min 59 s"];

function stepLine(terminal: Terminal, attempt: StepAttempt): string {
  const cells = stepCells(attempt);
  const line = columns([WIDTHS, cells]).split("\n")[1] ?? "";
  const word = cells[0];
  return terminal.tintErr(attempt.status === "failed" ? "red" : "green", word) + line.slice(word.length);
}
