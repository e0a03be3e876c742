/** Rule unreadable-block: a DO block puts SQL together while it runs, which nobody can judge before. */
import { functionBodies } from "../../function-bodies.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

export const unreadableBlock: Rule = {
  id: "unreadable-block",
  severity: "warning",
  title: "A DO block runs SQL that is only put together while it runs",
  blocks: "nothing",
  claim: { none: "what such a block does is not known before it runs: the rehearsal measures it" },
  why: "EXECUTE of a text that is computed, or a block in a language that is not read here, may drop or lock anything; none of the other rules sees it. The rehearsal runs it on a copy, and its report tells what it took and changed.",
  mend: "write the statements out, or EXECUTE a constant text",
  setup: SHOP,
  bad: "do $$ begin execute 'drop table ' || 'orders'; end $$;",
  good: "do $$ begin perform count(*) from orders; end $$;",
  on: ["DoStmt"],
  check: (statement) => {
    const { dynamic, opaque } = functionBodies(statement);
    if (!dynamic && opaque.length === 0) return [];
    return [
      {
        message: dynamic
          ? "a DO block runs SQL that it puts together itself"
          : "a DO block holds what cannot be read here",
      },
    ];
  },
};
