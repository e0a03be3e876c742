/** How records stand in the database, in the words of what was told of them. */
import type { ArchiveEnd } from "../../core/prunes.ts";
import { type Standing, standingOf } from "../../io/postgres/prune/backlog.ts";
import type { KnownPolicy } from "../retention-policies.ts";
import type { Target } from "./target.ts";

const WORDS: Record<Standing["is"], ArchiveEnd | "ready"> = {
  due: "ready",
  early: "in-grace",
  active: "not-archived",
  unknown: "unknown-record",
};

/** Ready are those that are archived and past their grace. */
export async function judgeRecords(
  target: Target,
  known: KnownPolicy,
  records: readonly string[],
): Promise<Map<string, ArchiveEnd | "ready">> {
  if (records.length === 0) return new Map();
  const standings = await standingOf(await target.session(), await target.plan(known), records);
  return new Map([...standings].map(([record, { is }]) => [record, WORDS[is]]));
}
