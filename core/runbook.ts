/**
 * A promotion told as its runbook: every step in the order of the workflow, how it stands, and why it was decided so.
 * Long because every step has a sentence for each way that it can go.
 */

import { isJsonObject, type Json, type JsonObject } from "./canonical-json.ts";
import { count, number } from "./counts.ts";
import type { ErrorRecord } from "./errors.ts";
import type { Policy } from "./policy.ts";
import type { Progress } from "./progress.ts";
import { bytes, duration } from "./report-words.ts";
import { BEYOND_REHEARSAL, isEnded, STEPS, type Status, type Step } from "./steps.ts";

/** One attempt of a step. */
export interface StepAttempt {
  step: Step;
  attempt: number;
  status: "running" | "succeeded" | "failed" | "yielded";
  outcome: Json;
  error: (Pick<ErrorRecord, "message" | "hint"> & { code: string }) | null;
  progress: Progress | null;
  startedAt: Date;
  endedAt: Date | null;
}

/** What a person decided, or is asked. */
export interface Verdict {
  status: "waiting" | "approved" | "rejected" | "expired" | "cancelled";
  decidedBy: string | null;
  comment: string | null;
  expiresAt: Date;
}

export interface Course {
  status: Status;
  policy: Pick<Policy, "decision" | "fence" | "rollback" | "approvalTimeout"> & {
    hooks: { smoke?: string | undefined };
  };
  pending: readonly string[] | null;
  steps: readonly StepAttempt[];
  verdict: Verdict | null;
}

/** How a step stands. `waiting`: for a person; `passed-over`: this promotion has no need of it; `not-reached`: it ended before. */
export type Standing = "to-come" | "running" | "waiting" | "done" | "failed" | "passed-over" | "not-reached";

export interface Chapter {
  step: Step;
  standing: Standing;
  attempts: StepAttempt[];
  /** The attempt that tells: the last. */
  last?: StepAttempt;
  /** Sentences: what came of it, and why it was decided so. */
  says: string[];
}

const ENDINGS = STEPS.slice(STEPS.indexOf("refuse"));

/** What a step is for, in a few words: said of those that are still to come. */
export const PURPOSE: Record<Step, string> = {
  admit: "Is it the right database, is it as it was left, and what is pending?",
  snapshot: "Production's shape and what its tables hold, read at one instant",
  "back-up": "Production into the bucket",
  restore: "A copy from that backup, proved equal to production",
  rehearse: "The release on a clone of the copy, measured and checked",
  decide: "The policy, or a person bound to the evidence, says go",
  fence: "Writers are turned away, and the copy is brought up to date",
  migrate: "Production, by the same code as rehearsed",
  verify: "Shape, checks, content and smoke test, held to the rehearsal",
  open: "Writers and services come back",
  "put-away": "Only rehearsed: the copies go",
  refuse: "Production stays as it was",
  "roll-back": "The pristine copy becomes production again",
  hold: "Everything is kept, and an operator is called",
};

/** The steps of a promotion that goes well, and of the endings those that began. */
export function tellRunbook(course: Course): Chapter[] {
  const turned = course.steps.some(({ step }) => ENDINGS.includes(step));
  const alone = outcomeOf(course.steps, "admit")?.rehearseOnly === true;
  return STEPS.flatMap((step) => {
    const attempts = course.steps.filter((attempt) => attempt.step === step);
    if (attempts.length === 0 && ENDINGS.includes(step)) return [];
    if (attempts.length === 0 && (alone ? BEYOND_REHEARSAL.has(step) : step === "put-away")) return [];
    const last = attempts.at(-1);
    const standing = last === undefined ? absent(step, course, turned) : present(last, course);
    const says = last === undefined ? reasonForAbsence(step, course, standing) : TELL[step](last, course);
    return [{ step, standing, attempts, ...(last && { last }), says }];
  });
}

function present(last: StepAttempt, { status, verdict, steps }: Course): Standing {
  if (last.step === "decide" && status === "waiting") return "waiting";
  if (last.step === "decide" && (verdict?.status === "rejected" || verdict?.status === "expired"))
    return "failed";
  if (last.status === "succeeded") return "done";
  if (last.status === "failed") return "failed";
  // One that yielded is called again at once, unless something else was.
  const goesOn = last.status === "running" || steps.at(-1) === last;
  return isEnded(status) || !goesOn ? "not-reached" : "running";
}

function absent(step: Step, course: Course, turned: boolean): Standing {
  if (isPassedOver(step, course)) return "passed-over";
  return turned || isEnded(course.status) ? "not-reached" : "to-come";
}

function isPassedOver(step: Step, { steps, status }: Course): boolean {
  const admitted = outcomeOf(steps, "admit");
  if (admitted === undefined || step === "open") return false;
  return (
    (step === "fence" && admitted.fence === false) || status === "nothing-to-do" || admitted.pending === 0
  );
}

function reasonForAbsence(step: Step, course: Course, standing: Standing): string[] {
  if (standing !== "passed-over") return [];
  if (outcomeOf(course.steps, "admit")?.pending === 0)
    return ["Nothing is pending, so there is nothing to do."];
  return step === "fence" ? [whyNoFence(course)] : [];
}

/** A step's outcome, once it has one. */
function outcomeOf(steps: readonly StepAttempt[], step: Step): Record<string, Json | undefined> | undefined {
  return steps.findLast((one) => one.step === step && one.status === "succeeded")?.outcome as
    | Record<string, Json | undefined>
    | undefined;
}

type Tell = (last: StepAttempt, course: Course) => string[];

/** Only what the step has done is told; a failed one has its error, and a running one its progress. */
function done(tell: (outcome: JsonObject, course: Course) => (string | undefined)[]): Tell {
  return ({ status, outcome }, course) =>
    status === "succeeded" && isJsonObject(outcome)
      ? tell(outcome, course).filter((sentence) => sentence !== undefined)
      : [];
}

const TELL: Record<Step, Tell> = {
  admit: done(({ pending, fence, unplanned, unguarded, whole }, course) => [
    pending === 0
      ? "The environment has all of the release already."
      : `${counted(pending, "file")} will run: the database is the one that was registered, its shape is as the ledger left it, and no applied file has changed.`,
    pending === 0 ? undefined : fence === true ? whyFence(course) : whyNoFence(course),
    typeof unplanned === "number"
      ? `${counted(unplanned, "statement")} would lose or change what stands and ${unplanned === 1 ? "has" : "have"} no data plan, which the policy allows.`
      : undefined,
    Array.isArray(unguarded)
      ? `Objects under ${unguarded.map(String).join(", ")}${whole === undefined ? "" : " and more"} are not guarded: the policy names no bucket.`
      : undefined,
  ]),
  snapshot: done(({ tables, rows, fingerprint }) => [
    `Production was read as it is: ${counted(tables, "table")} with ${counted(rows, "row")}, shape ${short(fingerprint)}.`,
  ]),
  "back-up": done(({ id, objects, bytes: size, rows, storage, configuration }) => [
    `Backup ${said(id)}: ${counted(rows, "row")}, ${amount(size)} in ${counted(objects, "object")}.`,
    isJsonObject(storage) ? `${objectsOf(storage)} were noted beside it.` : undefined,
    typeof configuration === "number"
      ? `${counted(configuration, "item")} of configuration, encrypted.`
      : undefined,
  ]),
  restore: done(({ database, backup }) => [
    `A database was made from backup ${said(backup)}: it has production's shape and, table by table, production's checksums, so the backup is verified.`,
    `It is kept as ${said(database)}, for a rollback, until the promotion has ended.`,
  ]),
  rehearse: done(({ statements, milliseconds }) => [
    `${counted(statements, "statement")} ran on a clone of the copy and held to their checks; the rehearsal took ${time(milliseconds)}.`,
  ]),
  decide: tellDecision,
  fence: done(({ database, refreshed, backup, bytes: size }, { policy }) => [
    `Writers were turned away: production stood under the name ${said(database)}, where nobody finds it.`,
    `What had changed since the first backup went to the bucket as ${said(backup)} (${amount(size)}).`,
    policy.rollback === "swap"
      ? refreshed === 0
        ? "The waiting copy holds that moment already: nothing had changed."
        : `${counted(refreshed, "table")} of the waiting copy ${refreshed === 1 ? "was" : "were"} brought up to that moment.`
      : "The policy keeps no copy waiting; a rollback would restore one.",
  ]),
  migrate: done(({ runs, milliseconds, fingerprint }) => [
    `Production was migrated by the same code as rehearsed, in ${counted(runs, "run")} within ${time(milliseconds)}; its shape is ${short(fingerprint)}, as the rehearsal promised.`,
  ]),
  verify: done(({ tablesCompared, smoke }) => [
    `Production has the rehearsed shape, its checks hold, and ${counted(tablesCompared, "table")} that the release leaves alone ${tablesCompared === 1 ? "holds" : "hold"} what ${tablesCompared === 1 ? "it" : "they"} held.`,
    smoke === "answered" ? "The services answered their smoke test." : "No smoke test is set in the policy.",
  ]),
  open: done(({ ended, fingerprint }) => [
    ended === "nothing-to-do"
      ? "Nothing was pending; the environment is noted as having the release."
      : `Writers and services are back; this shape, ${short(fingerprint)}, is what the environment promises from now on.`,
  ]),
  "put-away": done(({ ended }) => [
    ended === "nothing-to-do"
      ? "The environment has all of the release already, so nothing was rehearsed."
      : "It was asked for a rehearsal alone: the copies were dropped, the report and the evidence are kept, and production was not touched.",
  ]),
  refuse: done(({ copies }) => [
    "Production is as it was.",
    copies === "dropped"
      ? "The copies were dropped."
      : `The copies are still there, and the sweep drops them: ${said(copies)}`,
  ]),
  "roll-back": done(({ path, failed, stopped, slots, storage }) =>
    path === "nothing"
      ? ["Nothing had been committed, so nothing had to be taken back."]
      : [
          "The pristine copy became production again: its shape and checksums are those from before.",
          typeof failed === "string"
            ? `The database with the failed release is kept as ${failed}.`
            : undefined,
          // What the hook did, or why it did not.
          typeof stopped === "string" && stopped !== "none" && stopped !== "called"
            ? `The services could not be stopped first: ${stopped}.`
            : undefined,
          Array.isArray(slots) && slots.length > 0
            ? `Replication slots that stayed with it: ${slots.map(String).join(", ")}.`
            : undefined,
          isJsonObject(storage) && isJsonObject(storage.putBack)
            ? `${objectsOf(storage.putBack)} were put back.`
            : undefined,
        ],
  ),
  hold: done(({ mend }) => [
    "Writers stay out, and nothing was deleted, until an operator has looked.",
    typeof mend === "string" ? `What to do: ${mend}` : undefined,
  ]),
};

function whyFence({ policy }: Course): string {
  if (policy.fence === "always") return "Writers will be fenced off, because the policy asks for it always.";
  const because =
    policy.hooks.smoke === undefined
      ? "it does not all commit at once"
      : "a smoke test is asked after COMMIT";
  return `Writers will be fenced off: something can still fail after a COMMIT, for ${because}, and going back must lose nothing.`;
}

function whyNoFence({ policy }: Course): string {
  return policy.fence === "never"
    ? "No fence, because the policy forbids one: a failure after COMMIT may have to be held."
    : "No fence is needed: all of it commits at once, and nothing is asked afterwards, so a failure leaves production as it was.";
}

function tellDecision({ status, outcome }: StepAttempt, { policy, verdict }: Course): string[] {
  if (status !== "succeeded") return [];
  const decision = isJsonObject(outcome) ? outcome.decision : policy.decision;
  if (decision === "automatic")
    return ["The policy says go when the rehearsal went well; no person was asked."];
  const asked = "The policy asks for a person's approval, bound to the evidence.";
  if (verdict === null) return [asked];
  const { decidedBy, comment } = verdict;
  const by = decidedBy ?? "somebody";
  const words = comment
    ? ` and said: “${comment}”${/[.!?…]$/.test(comment) ? "" : "."}`
    : " without a comment.";
  const then = {
    waiting: "It waits for one.",
    approved: `${by} approved${words}`,
    rejected: `${by} rejected${words}`,
    expired: "Nobody decided in time.",
    cancelled: `${by} cancelled while it waited.`,
  }[verdict.status];
  return [asked, then];
}

/** How far a running step is, from 0 to 1: by bytes where they are known, else by rows. */
export function shareDone(progress: Progress | null): number | undefined {
  if (!progress?.total) return undefined;
  const { done: now, total } = progress;
  const share =
    total.bytes > 0 ? now.bytes / total.bytes : total.rows > 0 ? now.rows / total.rows : undefined;
  return share === undefined ? undefined : Math.min(1, Math.max(0, share));
}

/** How far it is, in words: `20 MiB of 1.4 GiB, 3,000 rows, 400 rows a second, about 2 min left, "public"."files"`. */
export function progressWords(progress: Progress): string {
  const { done: now, total, rowsPerSecond, secondsLeft } = progress;
  return [
    now.bytes > 0 || (total?.bytes ?? 0) > 0
      ? bytes(now.bytes) + (total && total.bytes > 0 ? ` of ${bytes(total.bytes)}` : "")
      : "",
    now.rows > 0 || (total?.rows ?? 0) > 0
      ? total && total.rows > 0
        ? `${number(now.rows)} of ${counted(total.rows, "row")}`
        : counted(now.rows, "row")
      : "",
    rowsPerSecond === undefined ? "" : `${counted(Math.round(rowsPerSecond), "row")} a second`,
    secondsLeft === undefined ? "" : `about ${duration(secondsLeft * 1_000)} left`,
    progress.now ?? "",
  ]
    .filter((part) => part !== "")
    .join(", ");
}

const counted = (value: Json | undefined, noun: string) => count(typeof value === "number" ? value : 0, noun);
const said = (value: Json | undefined) => (typeof value === "string" ? value : "");
const short = (value: Json | undefined) => said(value).slice(0, 12);
const amount = (value: Json | undefined) => bytes(typeof value === "number" ? value : 0);
const time = (value: Json | undefined) => duration(typeof value === "number" ? value : 0);

function objectsOf(storage: JsonObject): string {
  return `${counted(storage.objects, "stored object")} (${amount(storage.bytes)})`;
}
