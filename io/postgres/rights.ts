/** Whether a role may do all that a promotion needs: asked before anything begins, not found out half-way. */
import { RehearsalError } from "../../core/errors.ts";
import type { Session } from "./session.ts";

/** Throws `PermissionMissing` naming the first right that the session's role lacks. */
export async function assertRights(session: Session): Promise<void> {
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
  if (role === undefined || role.super) return;
  const [forced] = await session.query(
    "select 1 from pg_class where relrowsecurity and relnamespace <> coalesce(to_regnamespace('rehearsal'), 0) limit 1",
  );
  const missing = [
    role.owner ? undefined : "ownership of the database, to close and rename it",
    role.createdb ? undefined : "CREATEDB, to make the copy",
    role.signal ? undefined : "membership in pg_signal_backend, to end writers at the fence",
    role.stats ? undefined : "membership in pg_read_all_stats, to see whose sessions there are",
    role.replica
      ? undefined
      : "SET on parameter session_replication_role, to bring the copy up to the fence without firing triggers",
    role.bypass || forced === undefined ? undefined : "BYPASSRLS, to back up tables under row security",
  ].find((right) => right !== undefined);
  if (missing !== undefined)
    throw new RehearsalError("PermissionMissing", { role: role.name, right: missing });
}
