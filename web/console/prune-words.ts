/** A prune's words as people read them: where it stands, what it does, what began it. */
import { badgeOf, type Tone } from "./badge.ts";
import type { Html } from "./form.ts";
import type { Shape } from "./icon.ts";

const PRUNES: Record<string, [Tone, Shape, string]> = {
  created: ["busy", "clock", "starting"],
  running: ["busy", "play", "running"],
  reported: ["good", "check", "reported"],
  pruned: ["good", "check", "pruned"],
  restored: ["good", "turn", "restored"],
  "nothing-to-do": ["still", "dash", "nothing to do"],
  refused: ["bad", "cross", "refused"],
  failed: ["bad", "warn", "failed"],
};

const RECORDS: Record<string, [Tone, Shape, string]> = {
  ...PRUNES,
  waiting: ["busy", "clock", "waiting"],
  checked: ["busy", "play", "checked"],
  ready: ["busy", "play", "ready"],
  bundled: ["busy", "box", "bundled"],
  "rows-deleted": ["busy", "play", "rows deleted"],
  "media-deleted": ["busy", "play", "objects deleted"],
};

/** Where a prune stands. */
export function pruneBadge(status: string): Html {
  return badgeOf(PRUNES, status);
}

/** Where one of its records stands. */
export function recordBadge(status: string): Html {
  return badgeOf(RECORDS, status);
}

export const MODES: Record<string, string> = {
  report: "tells",
  prune: "deletes",
  restore: "brings back",
};

export const TRIGGERS: Record<string, string> = {
  event: "a record was archived",
  request: "somebody asked",
  sweep: "the backlog",
};

export function isUnderWay({ status }: { status: string }): boolean {
  return status === "created" || status === "running";
}
