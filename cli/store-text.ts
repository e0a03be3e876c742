/** Stores in words: where one stands, and what became of each task about it. */

import * as z from "zod";
import { number } from "../core/counts.ts";
import { describePlace } from "../core/stores.ts";
import type { Task } from "./answers.ts";
import type { Store } from "./store-answers.ts";
import { duration, facts, plain, rows, short, when } from "./text.ts";

/** One with all that is known of it, and what comes next. */
export function describeStore(one: Store): string {
  const { facts: known, environment } = one;
  const { lag, verification } = known;
  const at = (iso: string | null) => iso && when(iso);
  const told = facts({
    store: one.id,
    environment,
    phase: one.task === null ? one.phase : `${one.phase}, by ${one.task}`,
    place: describePlace(one.place),
    release: short(one.release),
    rows: known.rows === undefined ? null : number(known.rows),
    exported: at(one.exportedAt),
    synced: lag === undefined ? null : `${when(lag.syncedAt)}, ${behind(lag.changes)}`,
    verified: at(one.verifiedAt),
    compared:
      verification === undefined ? null : `${differing(verification.differences)}, by ${verification.task}`,
    "cut over": at(one.cutOverAt),
    database: known.database === undefined ? null : `"${plain(known.database)}" is behind a fence`,
    ended: at(one.endedAt),
  });
  const next = NEXT[one.phase]?.(environment);
  return next === undefined ? told : `${told}\nnext: ${next}`;
}

const NEXT: Partial<Record<Store["phase"], (environment: string) => string>> = {
  following: (name) => `rehearsal store sync ${name}; rehearsal store verify ${name}`,
  verified: (name) => `rehearsal store cutover ${name}`,
  "cut-over": (name) =>
    `the way back: rehearsal store cutover ${name} --back; where the store is lost: rehearsal store abandon ${name}`,
};

function behind(changes: number): string {
  return changes === 0 ? "nothing was left" : `${number(changes)} changes behind`;
}

function differing(count: number): string {
  return count === 0 ? "both sides hold the same" : `${number(count)} differences`;
}

const outcomeSchema = z.looseObject({
  store: z.string().optional(),
  environment: z.string().default(""),
  place: z.string().default(""),
  rows: z.number().default(0),
  models: z.number().default(0),
  changes: z.number().default(0),
  forgotten: z.number().default(0),
  differences: z.number().default(0),
  told: z.array(z.string()).default([]),
  back: z.boolean().default(false),
  abandoned: z.boolean().default(false),
  lost: z.string().nullish(),
  unreachable: z.string().optional(),
  awayMs: z.number().default(0),
  notStarted: z.string().optional(),
  refusal: z.looseObject({ code: z.string(), message: z.string(), hint: z.string() }).optional(),
});

/** How many differences a comparison found. */
export function storeDifferences(outcome: unknown): number {
  return outcomeSchema.parse(outcome ?? {}).differences;
}

/** Why nothing was cut over, where a comparison kept it from being. */
export function cutoverRefusal(outcome: unknown): { code: string } | undefined {
  return outcomeSchema.parse(outcome ?? {}).refusal;
}

/** What came of a task about a store that ended well. */
export function describeStoreTask(id: string, kind: Task["kind"], outcome: unknown): string {
  const done = outcomeSchema.parse(outcome);
  const { environment, place, models } = done;
  const amount = `${models} models, ${rows(done.rows)}`;
  switch (kind) {
    case "store-export":
      return [
        `${done.store}: ${amount} at ${plain(place)}`,
        `bring it up with: rehearsal store sync ${environment}`,
      ].join("\n");
    case "store-sync":
      return [
        `${done.store}: ${number(done.changes)} changes came over; it holds what the database held a moment ago`,
        ...(done.forgotten === 0 ? [] : [`the feed forgot ${number(done.forgotten)} that were read`]),
      ].join("\n");
    case "store-verify":
      if (done.differences === 0)
        return [
          `${done.store}: ${amount}; the store and the database hold the same`,
          `have it count with: rehearsal store cutover ${environment}`,
        ].join("\n");
      return [
        `${done.store}: ${amount}; ${differing(done.differences)}:`,
        ...done.told.map((one) => `  ${plain(one)}`),
        `all of them stand in the files of ${id}`,
      ].join("\n");
    case "store-import":
      return `${amount} of ${plain(place)} are in the database, and hold the same sums`;
    case "store-cutover":
      if (done.refusal !== undefined)
        return `${id}: nothing was cut over\n${facts({ reason: done.refusal.message, hint: done.refusal.hint, code: done.refusal.code })}`;
      if (done.abandoned) return describeAbandoned(done);
      return [
        done.back
          ? `${done.store}: the database of ${environment} counts again: ${amount}, writers were away for ${duration(done.awayMs)}`
          : `${done.store}: what counts of ${environment} is its store at ${plain(place)}: ${amount}, writers were away for ${duration(done.awayMs)}`,
        ...(done.notStarted === undefined
          ? []
          : [`the services were not started: ${plain(done.notStarted)}`]),
        ...(done.back ? [] : [`the way back: rehearsal store cutover ${environment} --back`]),
      ].join("\n");
    default:
      return `${id}: ${amount}`;
  }
}

function describeAbandoned({
  store,
  environment,
  lost,
  unreachable,
  notStarted,
}: z.infer<typeof outcomeSchema>): string {
  if (lost == null) return `${store}: abandoned; the database of ${environment} counts, and nothing is lost`;
  return [
    `${store}: abandoned; the database of ${environment} counts again, as it was at the cutover`,
    `lost: ${plain(lost)}`,
    ...(unreachable === undefined
      ? []
      : [`whoever still reaches the store is not turned away: ${plain(unreachable)}`]),
    ...(notStarted === undefined ? [] : [`the services were not started: ${plain(notStarted)}`]),
  ].join("\n");
}
