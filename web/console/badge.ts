/** Where things stand, each as a word with a shape beside it: colour only repeats what they say. */
import { html } from "hono/html";
import type { Status } from "../../core/steps.ts";
import type { TaskStatus } from "../../core/tasks.ts";
import type { Html } from "./form.ts";
import { icon, type Shape } from "./icon.ts";

export type Tone = "good" | "busy" | "wait" | "bad" | "still";

/** A word in its shape and tone. */
export function badge(tone: Tone, shape: Shape, word: string): Html {
  return html`<span class="badge ${tone}">${icon(shape)}${word}</span>`;
}

/** The word as the table has it; one that it does not have stands for itself. */
export function badgeOf(words: Readonly<Record<string, [Tone, Shape, string]>>, word: string): Html {
  return badge(...(words[word] ?? (["still", "dash", word] as const)));
}

const PROMOTIONS: Record<Status, [Tone, Shape, string]> = {
  created: ["busy", "clock", "starting"],
  running: ["busy", "play", "running"],
  waiting: ["wait", "pause", "approval wanted"],
  promoted: ["good", "check", "promoted"],
  "nothing-to-do": ["still", "dash", "nothing to do"],
  rehearsed: ["good", "check", "rehearsed"],
  refused: ["bad", "cross", "refused"],
  "rolled-back": ["wait", "turn", "rolled back"],
  held: ["bad", "warn", "held"],
};

export function promotionBadge(status: Status): Html {
  return badge(...PROMOTIONS[status]);
}

const STATES: Record<string, [Tone, Shape, string]> = {
  writeable: ["still", "pen", "writeable"],
  provisional: ["busy", "stage", "provisional"],
  canonical: ["good", "lock", "canonical"],
};

/** An environment's state. */
export function stateBadge(state: string): Html {
  return badgeOf(STATES, state);
}

/** An environment's role; production stands out. */
export function roleBadge(role: string): Html {
  return html`<span class="role ${role === "prod" ? "prod" : "dev"}">${role}</span>`;
}

const BACKUPS: Record<string, [Tone, Shape, string]> = {
  written: ["wait", "box", "written, not verified"],
  verified: ["good", "check", "verified"],
  refused: ["bad", "cross", "refused"],
  expired: ["still", "dash", "expired"],
};

export function backupBadge(status: string): Html {
  return badgeOf(BACKUPS, status);
}

const TASKS: Record<TaskStatus, [Tone, Shape, string]> = {
  created: ["busy", "clock", "starting"],
  running: ["busy", "play", "running"],
  succeeded: ["good", "check", "succeeded"],
  failed: ["bad", "cross", "failed"],
};

export function taskBadge(status: TaskStatus): Html {
  return badge(...TASKS[status]);
}
