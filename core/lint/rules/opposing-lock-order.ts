/** Rule opposing-lock-order: two files of a release lock the same two tables in opposing order. */
import { LOCK_MODES } from "../../lock-modes.ts";
import { locksOf } from "../../statement-locks.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

const AGAINST_WRITERS = LOCK_MODES.indexOf("ShareLock");

export const opposingLockOrder: Rule = {
  id: "opposing-lock-order",
  severity: "warning",
  title: "Two files lock the same two tables in opposing order",
  blocks: "writes",
  claim: {
    none: "a deadlock needs two sessions: its own test runs both files against each other and is ended by Postgres",
  },
  why: "Two transactions that take the same locks in opposing order wait for each other, until Postgres ends one of them: the migration, or a customer's request. One order throughout a project makes that impossible.",
  mend: "lock the tables in the same order in every file: those that are referred to first",
  setup: SHOP,
  bad: "alter table customers add column tier int;\nalter table orders add column tier int;\n-- the next file\nalter table orders add column channel text;\nalter table customers add column channel text;",
  good: "alter table customers add column tier int;\nalter table orders add column tier int;\n-- the next file\nalter table customers add column channel text;\nalter table orders add column channel text;",
  on: ["*"],
  check: (statement, { lockedHere, lockedBefore, stood, standing }) => {
    if (lockedHere.length === 0) return [];
    return locksOf(statement).flatMap(({ relation, mode }) => {
      const name = standing.fullName(relation);
      if (LOCK_MODES.indexOf(mode) < AGAINST_WRITERS || lockedHere.includes(name) || !stood(relation))
        return [];
      return lockedHere.flatMap((before) => {
        const path = lockedBefore(name, before);
        if (path === undefined) return [];
        return [
          {
            message: `${name} is locked after ${before} here, and before it in ${path}`,
            relations: [relation],
          },
        ];
      });
    });
  },
};
