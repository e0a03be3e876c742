/** Who is told what applying does, while it does it. */
import type { Statement } from "../../core/migration.ts";
import type { Run, RunItem } from "../../core/runs.ts";
import type { StatementResult } from "./session.ts";

/** Whoever measures: told around every statement, on the same session. */
export interface Observer {
  /** True when it asks nothing of the session and holds nothing up: then statements are sent before it is told of them. */
  onlyListens?: boolean;
  runBegins?(run: Run): Promise<void>;
  statementBegins?(item: RunItem, statement: Statement): Promise<void>;
  statementEnded?(item: RunItem, statement: Statement, result: StatementResult | undefined): Promise<void>;
  /** In place of `statementEnded`, for a statement outside a transaction. */
  statementFailed?(): Promise<void>;
  runEnds?(run: Run): Promise<void>;
}
