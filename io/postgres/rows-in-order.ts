/** Rows that triggers write and others read, page by page: a change feed's, and those of an outbox. */
import type { Session } from "./session.ts";

/** Rows of a table that triggers have written, in the order of their positions, behind one of them: a feed's, or an outbox's. */
export function rowsInOrder<Row extends object>(
  session: Session,
  {
    table,
    position,
    columns,
    where = "true",
  }: { table: string; position: string; columns: string; where?: string },
  after: string,
  limit: number,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  return session.query<Row>(
    `select ${columns} from ${table} c where ${position} > $1::bigint and ${where} order by ${position} limit $2`,
    [after, limit, ...values],
  );
}
