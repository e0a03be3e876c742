/** Settings that a file may not change, not even LOCAL: the transaction is shared with other files and with the record of what was applied. */

const WHO = "the files after it, and the record of what was applied, would run as somebody else";
const MEANING = "the statements after it would be read in another way than they were checked";
const TRIGGERS = "triggers and foreign keys would not fire for what follows in the same transaction";
const TRANSACTION = "the transaction is Rehearsal's";

const REFUSED: Record<string, string> = {
  role: WHO,
  session_authorization: WHO,
  session_replication_role: TRIGGERS,
  standard_conforming_strings: MEANING,
  backslash_quote: MEANING,
  client_encoding: MEANING,
  transaction_isolation: TRANSACTION,
  transaction_read_only: TRANSACTION,
  transaction_deferrable: TRANSACTION,
  default_transaction_isolation: TRANSACTION,
  default_transaction_read_only: TRANSACTION,
  default_transaction_deferrable: TRANSACTION,
};

/** Why the setting may not be changed, or undefined when it may. */
export function refusedSetting(name: string): string | undefined {
  const known = name.toLowerCase();
  return Object.hasOwn(REFUSED, known) ? REFUSED[known] : undefined;
}
