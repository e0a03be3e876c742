/** Whether a role may do all that a promotion needs: asked before anything begins, not found out half-way. */
import { RehearsalError } from "../../core/errors.ts";
import { quoteName } from "../../core/names.ts";
import type { Session } from "./session.ts";

/** Throws `PermissionMissing` naming the first right that the session's role lacks. */
export async function assertRights(session: Session): Promise<void> {
  const { role, missing } = await missingRights(session);
  const [right] = missing;
  if (right !== undefined) throw new RehearsalError("PermissionMissing", { role, right: right.what });
}

interface MissingRight {
  /** With what it is for. */
  what: string;
  /** What gives it, to be run by a superuser. */
  grant: string;
}

/** Every right that the session's role lacks. */
export async function missingRights(session: Session): Promise<{ role: string; missing: MissingRight[] }> {
  const [role] = await session.query<{
    name: string;
    super: boolean;
    createdb: boolean;
    bypass: boolean;
    owner: boolean;
    signal: boolean;
    stats: boolean;
    replica: boolean;
  }>(
    `select r.rolname as name, r.rolsuper as super, r.rolcreatedb as createdb, r.rolbypassrls as bypass,
        pg_has_role(r.oid, d.datdba, 'usage') as owner, pg_has_role(r.oid, 'pg_signal_backend', 'usage') as signal,
        pg_has_role(r.oid, 'pg_read_all_stats', 'usage') as stats,
        has_parameter_privilege(r.oid, 'session_replication_role', 'set') as replica
      from pg_roles r, pg_database d where r.rolname = current_user and d.datname = current_database()`,
  );
  if (role === undefined || role.super) return { role: role?.name ?? "", missing: [] };
  const [forced] = await session.query(
    "select 1 from pg_class where relrowsecurity and relnamespace <> coalesce(to_regnamespace('rehearsal'), 0) limit 1",
  );
  const [name, database] = [quoteName(role.name), quoteName(session.address.database)];
  const asked: [has: boolean, what: string, grant: string][] = [
    [
      role.owner,
      "ownership of the database, to close and rename it",
      `ALTER DATABASE ${database} OWNER TO ${name}`,
    ],
    [role.createdb, "CREATEDB, to make the copy", `ALTER ROLE ${name} CREATEDB`],
    [
      role.signal,
      "membership in pg_signal_backend, to end writers at the fence",
      `GRANT pg_signal_backend TO ${name}`,
    ],
    [
      role.stats,
      "membership in pg_read_all_stats, to see whose sessions there are",
      `GRANT pg_read_all_stats TO ${name}`,
    ],
    [
      role.replica,
      "SET on parameter session_replication_role, to bring the copy up to the fence without firing triggers",
      `GRANT SET ON PARAMETER session_replication_role TO ${name}`,
    ],
    [
      role.bypass || forced === undefined,
      "BYPASSRLS, to back up tables under row security",
      `ALTER ROLE ${name} BYPASSRLS`,
    ],
  ];
  return {
    role: role.name,
    missing: asked.filter(([has]) => !has).map(([, what, grant]) => ({ what, grant })),
  };
}
