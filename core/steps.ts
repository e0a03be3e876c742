/** The words of the runbook: each is at once the state, the handler's file, the log entry and the S3 prefix. */

/**
 * Every step that does work, in the order of a promotion that goes well. `put-away` ends one that only rehearses, and the
 * last three one that does not go well.
 */
export const STEPS = [
  "admit",
  "snapshot",
  "back-up",
  "restore",
  "rehearse",
  "decide",
  "fence",
  "migrate",
  "verify",
  "open",
  "put-away",
  "refuse",
  "roll-back",
  "hold",
] as const;

export type Step = (typeof STEPS)[number];

/** Steps that heed a cancellation: those before production may be touched, and the last of one that touches nothing. */
export const CANCELLABLE: ReadonlySet<Step> = new Set([
  ...STEPS.slice(0, STEPS.indexOf("fence")),
  "put-away",
]);

/** What a promotion that only rehearses never comes to. */
export const BEYOND_REHEARSAL: ReadonlySet<Step> = new Set(["decide", "fence", "migrate", "verify", "open"]);

/** Where a promotion stands: `created` and `running` are under way, the others are ends. */
export const STATUSES = [
  "created",
  "running",
  "waiting",
  "promoted",
  "nothing-to-do",
  "rehearsed",
  "refused",
  "rolled-back",
  "held",
] as const;

export type Status = (typeof STATUSES)[number];

/** True when no step will run any more unless an operator asks for it. */
export function isEnded(status: Status): boolean {
  return status !== "created" && status !== "running" && status !== "waiting";
}

/** The exit code of `promote --watch` for each end. */
export const EXIT_CODES: Record<Status, number> = {
  created: 1,
  running: 1,
  waiting: 4,
  promoted: 0,
  "nothing-to-do": 0,
  rehearsed: 0,
  refused: 1,
  "rolled-back": 1,
  held: 6,
};
