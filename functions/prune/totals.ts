/** What the records of a prune add up to, in words that its end is told by. */
import { isHalfPruned, type PruneTotals, type RecordStatus } from "../../core/prunes.ts";

/** Records that have lost their rows and not come to their end. */
export function countHalfDone({ records }: PruneTotals): number {
  return Object.entries(records).reduce(
    (sum, [status, count]) => sum + (isHalfPruned(status as RecordStatus) ? count : 0),
    0,
  );
}
