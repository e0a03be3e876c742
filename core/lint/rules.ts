/** Every rule of the safety analysis, in the order of the docs: what is lost, what is written anew, what is blocked, what is left behind. */

import type { Rule } from "./rule.ts";
import { allowanceRule } from "./rules/allowance.ts";
import { checkWithoutNotValid } from "./rules/check-without-not-valid.ts";
import { cluster } from "./rules/cluster.ts";
import { computedColumnRewrite } from "./rules/computed-column-rewrite.ts";
import { concurrentlyWithoutNoTransaction } from "./rules/concurrently-without-no-transaction.ts";
import { constraintLeftNotValid } from "./rules/constraint-left-not-valid.ts";
import { constraintWithoutIndex } from "./rules/constraint-without-index.ts";
import { dataMotionWithoutBatch } from "./rules/data-motion-without-batch.ts";
import { detachWithoutConcurrently } from "./rules/detach-without-concurrently.ts";
import { dropCascade } from "./rules/drop-cascade.ts";
import { dropColumn } from "./rules/drop-column.ts";
import { dropIndexWithoutConcurrently } from "./rules/drop-index-without-concurrently.ts";
import { dropObject } from "./rules/drop-object.ts";
import { dropSchema } from "./rules/drop-schema.ts";
import { dropTable } from "./rules/drop-table.ts";
import { enumValueRenamed } from "./rules/enum-value-renamed.ts";
import { feedKeyLost } from "./rules/feed-key-lost.ts";
import { foreignKeyWithoutIndex } from "./rules/foreign-key-without-index.ts";
import { foreignKeyWithoutNotValid } from "./rules/foreign-key-without-not-valid.ts";
import { indexWithoutConcurrently } from "./rules/index-without-concurrently.ts";
import { lockTimeoutWeakened } from "./rules/lock-timeout-weakened.ts";
import { narrowingType } from "./rules/narrowing-type.ts";
import { notIdempotent } from "./rules/not-idempotent.ts";
import { notNullColumnWithoutDefault } from "./rules/not-null-column-without-default.ts";
import { opposingLockOrder } from "./rules/opposing-lock-order.ts";
import { refreshWithoutConcurrently } from "./rules/refresh-without-concurrently.ts";
import { refusedStatement } from "./rules/refused-statement.ts";
import { reindexWithoutConcurrently } from "./rules/reindex-without-concurrently.ts";
import { rename } from "./rules/rename.ts";
import { securityDefinerWithoutSearchPath } from "./rules/security-definer-without-search-path.ts";
import { seedWritesProtectedTable } from "./rules/seed-writes-protected-table.ts";
import { sessionLeak } from "./rules/session-leak.ts";
import { setNotNullWithoutCheck } from "./rules/set-not-null-without-check.ts";
import { storageRewrite } from "./rules/storage-rewrite.ts";
import { transactionControl } from "./rules/transaction-control.ts";
import { truncate } from "./rules/truncate.ts";
import { typeChangeRewrite } from "./rules/type-change-rewrite.ts";
import { unreadableBlock } from "./rules/unreadable-block.ts";
import { vacuumFull } from "./rules/vacuum-full.ts";
import { viewWithBusinessWrites } from "./rules/view-with-business-writes.ts";
import { volatileDefaultRewrite } from "./rules/volatile-default-rewrite.ts";
import { volatileFunctionInView } from "./rules/volatile-function-in-view.ts";
import { workAfterAccessExclusive } from "./rules/work-after-access-exclusive.ts";

export const RULES: readonly Rule[] = [
  dropTable,
  dropColumn,
  dropSchema,
  dropCascade,
  dropObject,
  truncate,
  narrowingType,
  rename,
  feedKeyLost,
  enumValueRenamed,
  typeChangeRewrite,
  volatileDefaultRewrite,
  computedColumnRewrite,
  storageRewrite,
  indexWithoutConcurrently,
  dropIndexWithoutConcurrently,
  detachWithoutConcurrently,
  reindexWithoutConcurrently,
  refreshWithoutConcurrently,
  cluster,
  vacuumFull,
  foreignKeyWithoutNotValid,
  checkWithoutNotValid,
  constraintWithoutIndex,
  setNotNullWithoutCheck,
  notNullColumnWithoutDefault,
  workAfterAccessExclusive,
  opposingLockOrder,
  dataMotionWithoutBatch,
  lockTimeoutWeakened,
  foreignKeyWithoutIndex,
  constraintLeftNotValid,
  unreadableBlock,
  notIdempotent,
  sessionLeak,
  securityDefinerWithoutSearchPath,
  seedWritesProtectedTable,
  volatileFunctionInView,
  viewWithBusinessWrites,
  concurrentlyWithoutNoTransaction,
  transactionControl,
  refusedStatement,
  allowanceRule,
];
