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
  const [row] = await session.query<{ own: number; databases: number; logs: number }>(
    `select pg_database_size(current_database())::float8 as own,
        (select sum(case when pg_has_role('pg_read_all_stats', 'member') or has_database_privilege(oid, 'connect')
          then pg_database_size(oid) else 0 end)::float8 from pg_database) as databases,
        case when has_function_privilege('pg_ls_waldir()', 'execute')
          then (select sum(size)::float8 from pg_ls_waldir()) else 0 end as logs`,
  );
  if (row === undefined) throw new Error("the server returned no row");
  const used = row.databases + row.logs;
  const needed = copies * row.own;
  if (used + needed > disk)
    throw new RehearsalError("DiskTooSmall", {
      database: session.address.database,
      needed: mebibytes(needed),
      used: mebibytes(used),
      disk: mebibytes(disk),
    });
}

const mebibytes = (bytes: number) => `${Math.ceil(bytes / 1024 ** 2)} MiB`;
