/** Follows a task to its end: how far it is while somebody looks, and how it ended. */
import { setTimeout as pause } from "node:timers/promises";
import { isTaskEnded } from "../core/tasks.ts";
import { type Task, task } from "./answers.ts";
import { describeOutcome } from "./backup-text.ts";
import type { Context, Outcome } from "./command.ts";
import { filesOutcome } from "./files-import-text.ts";
import { EVERY, patiently } from "./follow.ts";
import { liveLine } from "./promotion-text.ts";
import { exitOf } from "./refusal.ts";
import { sqliteRefusal } from "./sqlite-import-text.ts";
import { facts } from "./text.ts";

/** Looks until it has ended. */
export async function followTask(context: Context, id: string): Promise<Task> {
  const { terminal } = context;
  const stopped = terminal.whenInterrupted(
    `${id} goes on by itself; follow it again with: rehearsal watch ${id}`,
  );
  try {
    const look = patiently(context, (client) => client.get(`/tasks/${encodeURIComponent(id)}`, task));
    for (;;) {
      const found = await look();
      if (isTaskEnded(found.status)) return found;
      const since = Date.parse(found.startedAt ?? found.createdAt);
      const step = found.attempt > 1 ? `${found.kind} (try ${found.attempt})` : found.kind;
      terminal.live(liveLine({ step, progress: found.progress }, Math.max(0, Date.now() - since)));
      await pause(EVERY);
    }
  } finally {
    stopped();
    terminal.live("");
  }
}

interface TaskOutcome extends Outcome {
  value: Task;
}

/** How a task ended, with the reason and the mend when it failed. */
export function outcomeOf(ended: Task): TaskOutcome {
  const { id, error } = ended;
  if (error === null) return { value: ended, text: describeOutcome(ended), ...exitOfRefused(ended) };
  const { message: reason, hint, code } = error;
  return { value: ended, text: `${id}: failed\n${facts({ reason, hint, code })}`, exit: exitOf(error) };
}

/** The exit code of an import that ended and refused something: the other records are in, or nothing is, and somebody has to look. */
function exitOfRefused({ kind, outcome }: Task): { exit?: number } {
  if (kind === "import-files" && filesOutcome.parse(outcome).records.refused > 0) return { exit: 3 };
  const refusal = kind === "import-sqlite" ? sqliteRefusal(outcome) : undefined;
  return refusal === undefined ? {} : { exit: exitOf(refusal) };
}

/** Follows what was started, unless the person does not want to wait; `what` says what it is, where its kind does not. */
export async function followUnless(
  context: Context,
  started: Task,
  watch: boolean,
  what?: string,
): Promise<TaskOutcome> {
  const { id, kind, backup } = started;
  const title = `${id}: ${what ?? `${kind}${backup === null ? "" : ` ${backup}`}`}`;
  if (!watch) return { value: started, text: `${title}\nfollow it with: rehearsal watch ${id}` };
  context.terminal.err(title);
  return outcomeOf(await followTask(context, id));
}
