/** Rule transaction-control: a file begins or ends a transaction, which is Rehearsal's. */
import type { Rule } from "../rule.ts";

export const transactionControl: Rule = {
  id: "transaction-control",
  severity: "error",
  title: "A file begins or ends a transaction itself",
  blocks: "nothing",
  claim: { none: "Rehearsal refuses to run such a file" },
  why: "Pending migrations, their proof and the record that they were applied are one transaction. A COMMIT in a file would make half of it permanent before anything is verified.",
  mend: 'leave it out: Rehearsal begins and commits; a file that must run outside a transaction says "-- rehearsal: no-transaction"',
  setup: "",
  bad: "begin;\ncommit;",
  good: "select 1;",
  on: ["TransactionStmt", "VariableSetStmt", "DoStmt"],
  check: (statement, { refusals }) =>
    statement.inBlock
      ? []
      : refusals(statement)
          .filter(({ code }) => code === "TransactionControl")
          .map(({ what }) => ({ message: `${what} is not the file's to say` })),
};
