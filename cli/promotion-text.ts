/** A promotion in words: its steps as lines, and its end with the reason and the mend. */
import { hintParts } from "../core/report-hint.ts";
import { isEnded } from "../core/steps.ts";
import type { Detail, StepAttempt } from "./answers.ts";
import { describeLastVerified } from "./backup-text.ts";
import { describePlans } from "./data-plan-text.ts";
import { bytes, columns, duration, facts, plain, rows, short, when } from "./text.ts";

/** All that is known of it. */
export function describeDetail(found: Detail): string {
  const told = facts({
    promotion: found.id,
    environment: found.environment,
    release: short(found.release),
    status:
      found.asked && !isEnded(found.status) ? `${found.status}, ${found.asked} asked for` : found.status,
    started: `${when(found.createdAt)} by ${found.requestedBy}`,
    ended: found.endedAt && when(found.endedAt),
    pending: found.pending?.join(", "),
    evidence: found.evidence,
    approval: found.approval && describeApproval(found.approval),
    "verified backup": describeLastVerified(found.lastVerifiedBackup),
  });
  const steps = columns(found.steps.map((step) => stepCells(step)));
  const end = found.status === "waiting" ? howToDecide(found) : reason(found);
  return [told, steps, describePlans(found.plans), end].filter((part) => part !== "").join("\n\n");
}

/** One attempt of a step: how it stands, how long it took, how much it moved. */
export function stepCells(attempt: StepAttempt): [status: string, step: string, ...rest: string[]] {
  const { step, status, progress, error, startedAt, endedAt } = attempt;
  const word = { running: "running", succeeded: "done", failed: "failed", yielded: "so far" }[status];
  const took = endedAt === null ? "" : duration(Date.parse(endedAt) - Date.parse(startedAt));
  return [
    word,
    attempt.attempt > 1 ? `${step} (try ${attempt.attempt})` : step,
    took,
    error?.message ?? amounts(attempt, progress),
  ];
}

/** How far a running step or task is, in one line. */
export function liveLine(
  { step, progress }: { step: string; progress: StepAttempt["progress"] },
  elapsed: number,
): string {
  const now = progress?.now === undefined ? "" : plain(progress.now);
  const share = shareOf(progress);
  return [
    step,
    duration(elapsed),
    share === undefined ? "" : `${Math.min(100, Math.floor(share * 100))} %`,
    progress === null ? "" : moved(progress.done),
    progress?.rowsPerSecond === undefined ? "" : `${rows(progress.rowsPerSecond)} a second`,
    progress?.secondsLeft === undefined ? "" : `${duration(progress.secondsLeft * 1_000)} left`,
    now,
  ]
    .filter((part) => part !== "")
    .join("  ");
}

/** From 0 to 1: by bytes where they are known, else by rows. */
export function shareOf(progress: StepAttempt["progress"]): number | undefined {
  if (!progress?.total) return undefined;
  const { done, total } = progress;
  if (total.bytes > 0) return done.bytes / total.bytes;
  return total.rows > 0 ? done.rows / total.rows : undefined;
}

/** How it ended, with the reason, the mend and where to read on; empty while it runs. */
export function reason(found: Detail): string {
  if (!isEnded(found.status)) return "";
  const said = {
    promoted: `${found.id}: "${found.environment}" is promoted to release ${short(found.release)}`,
    "nothing-to-do": `${found.id}: "${found.environment}" has all of release ${short(found.release)} already`,
    rehearsed: `${found.id}: release ${short(found.release)} was rehearsed for "${found.environment}", and went well; production was not touched`,
    refused: `${found.id}: refused; production is as it was`,
    "rolled-back": `${found.id}: rolled back; production holds what it held before`,
    held: `${found.id}: held; writers stay out and nothing was deleted until an operator has looked`,
  }[found.status as "promoted"];
  // A hint may end with lines to be copied, which keep their indentation below the table.
  const { sentence, lines } = hintParts(found.error?.hint ?? "");
  return [
    said,
    facts({
      reason: found.error?.message,
      hint: sentence,
      code: found.error?.code,
      "to go back":
        found.status === "held" ? `rehearsal rollback ${found.id} --confirm ${found.environment}` : null,
      report: wasRehearsed(found) ? `rehearsal report ${found.id}` : null,
    }),
    plain(lines),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

/** What somebody has to do while it waits, and who may where that is known. */
export function howToDecide({ id, evidence }: Detail, who = ""): string {
  return [
    `${id}: waits for an approval of evidence ${short(evidence)}`,
    facts({
      who,
      read: `rehearsal report ${id}`,
      approve: `rehearsal approve ${id}`,
      reject: `rehearsal reject ${id} --comment "why"`,
    }),
  ].join("\n");
}

function wasRehearsed(found: Detail): boolean {
  return found.steps.some(({ step, status }) => step === "rehearse" && status !== "running");
}

function describeApproval({ status, decidedBy, expiresAt }: NonNullable<Detail["approval"]>): string {
  return status === "waiting"
    ? `waiting until ${when(expiresAt)}`
    : `${status}${decidedBy ? ` by ${decidedBy}` : ""}`;
}

/** What a step tells of what it moved: its outcome when it has one, else how far it came. */
export function amounts({ outcome }: StepAttempt, progress: StepAttempt["progress"]): string {
  const { bytes: size, rows: count } = (outcome ?? {}) as { bytes?: unknown; rows?: unknown };
  if (typeof count === "number" || typeof size === "number")
    return moved({
      bytes: typeof size === "number" ? size : 0,
      rows: typeof count === "number" ? count : 0,
    });
  return progress === null ? "" : moved(progress.done);
}

/** `12.3 MB, 1,234 rows`. */
export function moved(done: { bytes: number; rows: number }): string {
  return [done.bytes > 0 ? bytes(done.bytes) : "", done.rows > 0 ? rows(done.rows) : ""]
    .filter((part) => part !== "")
    .join(", ");
}
