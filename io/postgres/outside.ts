/** Statements outside a transaction: what a failure or a death left behind is told by the catalog, and mended from it. */
import { RehearsalError } from "../../core/errors.ts";
import type { Statement } from "../../core/migration.ts";
import { quoteQualified } from "../../core/names.ts";
import type { Policy } from "../../core/policy.ts";
import type { RunItem } from "../../core/runs.ts";
import type { Session, StatementResult } from "./session.ts";
import { transactionOf } from "./target-schema.ts";

interface OutsideOptions {
  session: Session;
  attempt: { promotion: string; step: string; attempt: number; token: number };
  item: RunItem;
  statement: Statement;
  policy: Pick<Policy, "lockTimeout">;
  execute: () => Promise<StatementResult[]>;
  /** True when the server answered with an error and the session lives. */
  isRefusal: (error: unknown) => boolean;
}

/** Runs the statement unless it is noted as done; an invalid index that it leaves is dropped, now or on the next run. */
export async function runOutside(options: OutsideOptions): Promise<StatementResult | undefined> {
  const { session } = options;
  const before = await noteBegun(options);
  if (before === "done") return undefined;
  const invalidBefore = await invalidIndexes(session);
  if (before === "begun" && !(await mayRunAgain(options, invalidBefore))) return undefined;
  try {
    const [result] = await options.execute();
    await noteDone(options);
    return result;
  } catch (error) {
    // Only a server that answered has taken the statement back; after a lost session the note stays, for the next run.
    if (options.isRefusal(error) && !commitsInParts(options.statement))
      await takeBack(options, invalidBefore);
    throw error;
  }
}

/**
 * A procedure commits as it goes, and what is detached or dropped CONCURRENTLY goes in several transactions: refused
 * half-way, a part of it may stand. The note then stays, and says to the rollback that something was left.
 */
function commitsInParts({ kind, class: own, sql }: Statement): boolean {
  if (kind === "CallStmt") return true;
  // Only a CALL written out in it may commit inside a DO block.
  if (kind === "DoStmt") return /\bcall\b/i.test(sql);
  return own === "non-transactional" && (kind === "AlterTableStmt" || kind === "DropStmt");
}

async function takeBack(options: OutsideOptions, invalidBefore: InvalidIndex[]): Promise<void> {
  await dropNewInvalid(options, invalidBefore);
  await options.session.query("delete from rehearsal.outside where path = $1 and statement = $2", [
    options.item.path,
    options.statement.index,
  ]);
}

async function noteBegun({
  session,
  attempt,
  item,
  statement,
}: OutsideOptions): Promise<"new" | "begun" | "done"> {
  return transactionOf(session, attempt, async () => {
    const [known] = await session.query<{ done: boolean }>(
      "select done from rehearsal.outside where path = $1 and statement = $2",
      [item.path, statement.index],
    );
    if (known !== undefined) return known.done ? "done" : "begun";
    await session.query("insert into rehearsal.outside (path, statement, promotion) values ($1, $2, $3)", [
      item.path,
      statement.index,
      attempt.promotion,
    ]);
    return "new";
  });
}

async function noteDone({ session, item, statement }: OutsideOptions): Promise<void> {
  await session.query("update rehearsal.outside set done = true where path = $1 and statement = $2", [
    item.path,
    statement.index,
  ]);
}

interface InvalidIndex {
  oid: string;
  schema: string;
  name: string;
}

async function invalidIndexes(session: Session): Promise<InvalidIndex[]> {
  return session.query<InvalidIndex>(
    `select c.oid, n.nspname as schema, c.relname as name from pg_index i
      join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
      where not i.indisvalid and c.relkind = 'i'`,
  );
}

/**
 * A statement that was begun and never noted as done: either its session died in it, or right after it. For a
 * concurrent index the catalog tells: what stands invalid is dropped and built again, what stands valid is done.
 * Anything else may run again only if the file says so.
 */
async function mayRunAgain(options: OutsideOptions, invalid: InvalidIndex[]): Promise<boolean> {
  const { session, item, statement } = options;
  const index = statement.concurrentIndex;
  if (index !== undefined) {
    const broken = invalid.filter(
      (candidate) => candidate.name === index || candidate.name.startsWith(`${index}_ccnew`),
    );
    if (broken.length > 0) {
      await dropIndexes(options, broken);
      return true;
    }
    if (statement.kind === "IndexStmt") {
      const [valid] = await session.query(
        "select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'i' and c.relname = $1 and n.nspname = any (string_to_array($2, ','))",
        [index, await currentSchemas(session)],
      );
      if (valid !== undefined) {
        await noteDone(options);
        return false;
      }
    }
    return true;
  }
  if (item.idempotent || statement.guarded) return true;
  throw new RehearsalError("MigrationHalfDone", {
    path: item.path,
    line: statement.line,
    statement: statement.summary,
  });
}

async function currentSchemas(session: Session): Promise<string> {
  const [row] = await session.query<{ schemas: string }>(
    "select array_to_string(current_schemas(false), ',') as schemas",
  );
  return row?.schemas ?? "";
}

async function dropNewInvalid(options: OutsideOptions, before: InvalidIndex[]): Promise<void> {
  const known = new Set(before.map((index) => index.oid));
  const made = (await invalidIndexes(options.session)).filter((index) => !known.has(index.oid));
  await dropIndexes(options, made);
}

async function dropIndexes({ session, policy }: OutsideOptions, indexes: InvalidIndex[]): Promise<void> {
  for (const { schema, name } of indexes) {
    await session.query("select set_config('lock_timeout', $1, false)", [
      String(Math.max(policy.lockTimeout, 10_000)),
    ]);
    await session.execute(`drop index concurrently if exists ${quoteQualified(schema, name)}`);
  }
}
