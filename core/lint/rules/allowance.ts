/** Rule allowance: `-- rehearsal: allow` without a reason, of a rule that is not there, or above what needs none. */
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const allowanceRule: Rule = {
  id: "allowance",
  severity: "error",
  title: "An allowance gives no reason, names no rule, or allows nothing",
  blocks: "nothing",
  claim: { none: "it is about a comment" },
  why: "An allowance is read by whoever approves the release: it must say why. One that names no rule protects nobody from a misspelling, and one above a statement that needs none is a lie in waiting.",
  mend: "take the allowance away, or write it directly above the statement that it is for",
  setup: SHOP,
  bad: "-- rehearsal: allow drop-table\ndrop table if exists orders;",
  good: "-- rehearsal: allow drop-table: moved to the archive in release 11, read by nobody since\ndrop table if exists orders;",
  on: [],
  // Found by the engine, which knows what was allowed.
  check: () => [],
};
