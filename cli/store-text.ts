/** Stores in words: where one stands, and what became of each task about it. */
import type { Task } from "./answers.ts";

/** What came of a task about a store that ended well. */
export function describeStoreTask(id: string, kind: Task["kind"], _outcome: unknown): string {
  return `${id}: ${kind}`;
}
