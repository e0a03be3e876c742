/** What a server refuses in a file of a release: which statement, and in the catalogue's words why. */
import { RehearsalError } from "../../core/errors.ts";
import type { Statement } from "../../core/migration.ts";
import type { Policy } from "../../core/policy.ts";
import type { RunItem } from "../../core/runs.ts";

/** A server's refusal of one statement of a file, before it is known whether to try again. */
export class FileError extends Error {
  override readonly name = "FileError";
  readonly item: RunItem;
  readonly statement: Statement;
  readonly sqlstate: string;

  constructor(item: RunItem, statement: Statement, sqlstate: string, reason: string, cause: unknown) {
    super(reason, { cause });
    this.item = item;
    this.statement = statement;
    this.sqlstate = sqlstate;
  }

  /** The catalogue's words for it. */
  told(policy: Pick<Policy, "statementTimeout" | "lockTimeout">): RehearsalError {
    const { path } = this.item;
    const { line, summary } = this.statement;
    const cause = { cause: this.cause };
    if (this.sqlstate === "57014")
      return new RehearsalError(
        "StatementTimeout",
        { statement: summary, milliseconds: policy.statementTimeout },
        cause,
      );
    if (this.sqlstate === "55P03")
      return new RehearsalError(
        "LockTimeout",
        { statement: summary, milliseconds: policy.lockTimeout, tries: 1 },
        cause,
      );
    return new RehearsalError(
      "MigrationFailed",
      { path, line, sqlstate: this.sqlstate, reason: this.message, statement: summary },
      cause,
    );
  }
}

/** Runs the work of one statement; what the server refuses in it becomes a `FileError`, everything else passes. */
export async function asFileError<T>(
  item: RunItem,
  statement: Statement,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RehearsalError)) throw error;
    const known = error as RehearsalError;
    if (known.code === "StatementFailed") {
      const facts = known.facts as { sqlstate: string; reason: string };
      throw new FileError(item, statement, facts.sqlstate, facts.reason, error);
    }
    const sqlstate = (known.cause as { code?: string } | undefined)?.code;
    // Somebody ended this very session, or the server is shutting down: not ours to try again behind their back.
    if (sqlstate === "57P01")
      throw new FileError(item, statement, sqlstate, "the session was ended by an administrator", error);
    throw error;
  }
}
