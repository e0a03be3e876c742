/** Room on the server's disk for the copies of a promotion. SQL does not tell how much is free: the policy tells the disk, and what lies on it is counted. */
import { RehearsalError } from "../../core/errors.ts";
import type { Session } from "./session.ts";

/**
 * Throws `DiskTooSmall` when so many copies of the session's database do not fit beside what is on the disk already, given in bytes.
 * Databases and logs whose size our role may not see count as nothing, and so does what the migration will write: whoever passes may
 * still meet `DiskFull`.
 */
export async function assertRoom(session: Session, disk: number | undefined, copies: number): Promise<void> {
  if (disk === undefined) return;
  const [row] = await session.query<{ own: number; databases: number; sees_logs: boolean }>(
    `select pg_database_size(current_database())::float8 as own,
        (select sum(case when pg_has_role('pg_read_all_stats', 'member') or has_database_privilege(oid, 'connect')
          then pg_database_size(oid) else 0 end)::float8 from pg_database) as databases,
        has_function_privilege('pg_ls_waldir()', 'execute') as sees_logs`,
  );
  if (row === undefined) throw new Error("the server returned no row");
  const used = row.databases + (row.sees_logs ? await sizeOfLogs(session) : 0);
  const needed = copies * row.own;
  if (used + needed > disk)
    throw new RehearsalError("DiskTooSmall", {
      database: session.address.database,
      needed: mebibytes(needed),
      used: mebibytes(used),
      disk: mebibytes(disk),
    });
}

/** A statement of its own: who may not call the function may not even name it where it would not be called. */
async function sizeOfLogs(session: Session): Promise<number> {
  const [row] = await session.query<{ logs: number }>("select sum(size)::float8 as logs from pg_ls_waldir()");
  return row?.logs ?? 0;
}

const mebibytes = (bytes: number) => `${Math.ceil(bytes / 1024 ** 2)} MiB`;
