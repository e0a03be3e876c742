/** Rule work-after-access-exclusive: slow work goes on in a transaction that keeps everybody from a table. */
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";
import { slowWork } from "../slow-work.ts";

export const workAfterAccessExclusive: Rule = {
  id: "work-after-access-exclusive",
  severity: "error",
  title: "Slow work is done in a transaction that keeps everybody from a table",
  blocks: "reads",
  claim: { table: "orders", lock: "AccessExclusiveLock", scans: true },
  why: "A lock is held until COMMIT. A quick ALTER TABLE is harmless by itself, but whatever comes after it in the same transaction, in this file or in the next one, makes readers of the altered table wait as long. Rehearsal runs consecutive migrations in one transaction.",
  mend: "do the slow work first, or put it into a migration in batches or without a transaction, so that the lock is let go before",
  scales: true,
  setup: SHOP,
  bad: "alter table orders add column year int;\nupdate orders set year = extract(year from placed_at);",
  good: "alter table orders add column year int;",
  on: ["*"],
  check: (statement, context) => {
    if (!context.file.transactional || context.file.batched || context.held.size === 0) return [];
    const locked = [...context.held].filter(([, { mode }]) => mode === "AccessExclusiveLock");
    const [first] = locked;
    if (first === undefined) return [];
    const slow = slowWork(statement, context);
    if (slow.length === 0) return [];
    const [table, { path, line }] = first;
    const others = locked.length > 1 ? ` and ${locked.length - 1} more` : "";
    return [
      {
        message: `nobody can read ${table}${others}, locked at ${path}:${line}, while this goes through ${[...new Set(slow)].join(", ")}`,
        relations: slow,
        lock: { mode: "AccessExclusiveLock", relations: locked.map(([name]) => name) },
      },
    ];
  },
};
