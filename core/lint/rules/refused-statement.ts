/** Rule refused-statement: what Rehearsal does not run at all, so that one look shows every such place. */
import { needsTransaction } from "../../non-transactional.ts";
import type { Rule } from "../rule.ts";

/** Those have rules of their own. */
const OWN = new Set(["TransactionControl", "SessionChange"]);

export const refusedStatement: Rule = {
  id: "refused-statement",
  severity: "error",
  title: "A file holds what Rehearsal does not run",
  blocks: "nothing",
  claim: { none: "Rehearsal refuses to run such a file" },
  why: "Programs and files of the server, other servers, roles and databases, Postgres' own catalog, Rehearsal's ledger, data inline: what a migration does there is not undone by a rollback of this database, or breaks the tool itself.",
  mend: "take it out of the release; what the whole server needs is done beside it, by whoever runs the server",
  setup: "",
  bad: "copy (select 1) to program 'cat';",
  good: "select 1;",
  on: ["*"],
  check: (statement, { file, refusals }) => {
    if (statement.inBlock) return [];
    const idle = file.transactional || file.batched ? undefined : needsTransaction(statement);
    const refused = refusals(statement)
      .filter(({ code }) => !OWN.has(code))
      .map(({ what, ...more }) => ({
        message: `${what} is refused${"reason" in more ? `: ${more.reason}` : ""}`,
      }));
    return idle === undefined
      ? refused
      : [...refused, { message: `${idle} has no effect outside a transaction` }];
  },
};
