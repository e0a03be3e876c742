/** Follows a promotion to its end: drawn as its runbook where somebody looks, else each step is told once it has ended. */
import { RehearsalError } from "../core/errors.ts";
import { EXIT_CODES, isEnded, type Status } from "../core/steps.ts";
import { type Detail, detail, environment, type StepAttempt } from "./answers.ts";
import type { Client } from "./client.ts";
import type { Context, Outcome } from "./command.ts";
import { howToDecide, reason, stepCells } from "./promotion-text.ts";
import { exitOf } from "./refusal.ts";
import { runbookLines } from "./runbook-view.ts";
import type { Terminal } from "./terminal.ts";
import { columns } from "./text.ts";

/** Milliseconds between two looks at what cannot be waited for. */
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
  const ask = patiently(context, newsOf(id));
  let teller: Teller | undefined;
  let who = "";
  try {
    for (;;) {
      const found = await ask();
      if (found === undefined) continue;
      // Only now: what is not there at all is refused, and not drawn.
      teller ??= await chooseTeller(terminal);
      if (found.status === "waiting" && who === "") who = await whoDecides(await context.client(), found);
      teller.tell(found, who);
      if (isEnded(found.status)) return { value: found, text: reason(found), exit: exitOfEnd(found, wanted) };
      if (found.status === "waiting" && (!terminal.interactive || context.json))
        return { value: found, text: howToDecide(found, who), exit: EXIT_CODES.waiting };
    }
  } finally {
    teller?.end();
    stopped();
  }
}

/** Each call waits until it is another than it was at the last. */
function newsOf(id: string): (client: Client) => Promise<Detail | undefined> {
  let etag = "";
  return async (client) => {
    const news = await client.news(`/promotions/${encodeURIComponent(id)}/wait`, etag, detail);
    etag = news?.etag ?? etag;
    return news?.value;
  };
}

/** Whose decision it waits for, by the policy and the data plans. */
async function whoDecides(
  client: Client,
  { environment: name, requestedBy, plans }: Detail,
): Promise<string> {
  const { role, policy } = await client.get(`/environments/${encodeURIComponent(name)}`, environment);
  const named = [...new Set(plans.flatMap(({ approvers }) => approvers))];
  const fourEyes = policy.fourEyes ?? role === "prod";
  return [
    named.length > 0 ? `${named.join(", ")}, whom the data plan names` : `an approver or admin of "${name}"`,
    fourEyes ? `other than ${requestedBy}, who asked for it` : "",
  ]
    .filter((part) => part !== "")
    .join(", ");
}

interface Teller {
  tell(found: Detail, who: string): void;
  end(): void;
}

async function chooseTeller(terminal: Terminal): Promise<Teller> {
  const screen = await terminal.screen();
  if (screen === undefined) return byLines(terminal);
  return {
    tell: (found, who) => {
      screen.below("");
      screen.show((size, tick) => {
        const { unicode, tintErr: tint } = terminal;
        return runbookLines(found, { size, tick, now: Date.now(), unicode, who, tint });
      });
    },
    end: () => screen.end(),
  };
}

/** Each attempt once it has ended. */
function byLines(terminal: Terminal): Teller {
  const told = new Set<string>();
  const tellOnce = (name: string, line: () => string) => {
    if (told.has(name)) return;
    told.add(name);
    terminal.err(line());
  };
  return {
    tell: (found, who) => {
      for (const attempt of found.steps)
        if (attempt.status !== "running")
          tellOnce(`${attempt.step} ${attempt.attempt}`, () => stepLine(terminal, attempt));
      if (found.status === "waiting" && terminal.interactive)
        tellOnce("waiting", () => howToDecide(found, who));
    },
    end: () => undefined,
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
export function exitOfEnd({ status, error }: Detail, wanted: Status | undefined): number {
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
