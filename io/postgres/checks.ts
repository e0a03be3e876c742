/** Runs a project's checks, read-only whatever they contain. */
import type { BrokenCheck, Check } from "../../core/checks.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Session } from "./session.ts";

/**
 * Every check that returned rows. Must be called inside a transaction; it leaves the transaction as it was. However many
 * rows a check returns, the server counts them as they come and keeps the first.
 */
export async function findBrokenChecks(
  session: Session,
  checks: readonly Check[],
  searchPath: string,
): Promise<BrokenCheck[]> {
  const broken: BrokenCheck[] = [];
  for (const check of checks) {
    await session.execute(
      `savepoint rehearsal_check; set local search_path = ${searchPath}; set local transaction_read_only = on`,
    );
    const [row] = await session.query<{ rows: string; sample: string }>(
      `select pg_catalog.count(*) as rows, (pg_catalog.array_agg(first) filter (where first is not null))[1]::text as sample
        from (select case when pg_catalog.row_number() over () = 1 then pg_catalog.to_jsonb(found.*) end as first
          from (\n${check.sql}\n) as found) as seen`,
    );
    await session.execute("rollback to savepoint rehearsal_check; release savepoint rehearsal_check");
    if (row !== undefined && Number(row.rows) > 0)
      broken.push({ path: check.path, rows: Number(row.rows), sample: row.sample.slice(0, 500) });
  }
  return broken;
}

/** Throws `CheckFailed` for the first broken check. */
export function refuseBroken(broken: readonly BrokenCheck[]): void {
  const [first] = broken;
  if (first !== undefined)
    throw new RehearsalError("CheckFailed", { check: first.path, rows: first.rows, sample: first.sample });
}
