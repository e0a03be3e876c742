/** Whether a database can take a backup: asked before the first byte is read. */
import type { BackupManifest } from "../../core/backup-manifest.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Session } from "./session.ts";

/** The first oid that initdb does not give away (FirstNormalObjectId, access/transam.h). */
const FIRST_NORMAL_OID = 16384;

/** Throws `RestoreTargetUnfit` or `RolesMissing`. One that was `begun` before is not empty. */
export async function assertFit(session: Session, manifest: BackupManifest, begun: boolean): Promise<void> {
  const { database } = session.address;
  const unfit = (problem: string) => new RehearsalError("RestoreTargetUnfit", { database, problem });
  if (session.major < manifest.server.major)
    throw unfit(`it is on Postgres ${session.major}, older than the source's ${manifest.server.major}`);
  const [target] = await session.query<{ encoding: string; inhabited: boolean }>(
    `select pg_encoding_to_char(encoding) as encoding,
        exists (select from pg_class where oid >= ${FIRST_NORMAL_OID} and relpersistence <> 't')
        or exists (select from pg_proc where oid >= ${FIRST_NORMAL_OID})
        or exists (select from pg_type where oid >= ${FIRST_NORMAL_OID} and not exists (
          select from pg_class c where c.oid = typrelid and c.relpersistence = 't'))
        or exists (select from pg_namespace where oid >= ${FIRST_NORMAL_OID} and nspname !~ '^pg_(toast_)?temp_')
        or exists (select from pg_largeobject_metadata) as inhabited
      from pg_database where datname = current_database()`,
  );
  if (target === undefined || (target.inhabited && !begun)) throw unfit("it is not empty");
  if (target.encoding !== manifest.database.encoding)
    throw unfit(`its encoding is ${target.encoding}, the source's was ${manifest.database.encoding}`);
  const missing = await session.query<{ name: string }>(
    "select name from unnest($1::text[]) name where not exists (select from pg_roles where rolname = name) order by 1",
    [manifest.notCarried.roles],
  );
  if (missing.length > 0)
    throw new RehearsalError("RolesMissing", { roles: missing.map(({ name }) => name).join(", ") });
}

/**
 * The backup's tablespaces by what they are called on the target: as `mapped` says, else by their own name. Those that the target does
 * not have are left out. Throws `RestoreTargetUnfit` when a name that was given is not there, on either side.
 */
export async function findTablespaces(
  session: Session,
  manifest: BackupManifest,
  mapped: Readonly<Record<string, string>> = {},
): Promise<Map<string, string>> {
  const found = await session.query<{ name: string }>("select spcname as name from pg_tablespace");
  const there = new Set(found.map(({ name }) => name));
  const carried = [...manifest.notCarried.tablespaces, "pg_default"];
  for (const [name, wanted] of Object.entries(mapped)) {
    if (!carried.includes(name))
      throw new RehearsalError("RestoreTargetUnfit", {
        database: session.address.database,
        problem: `nothing of the backup lies in a tablespace "${name}", for which "${wanted}" was named`,
      });
    if (!there.has(wanted))
      throw new RehearsalError("RestoreTargetUnfit", {
        database: session.address.database,
        problem: `its server has no tablespace "${wanted}", which was to take the place of "${name}"`,
      });
  }
  return new Map(
    // What was put beside the database's own tablespace into the one that every server has.
    carried
      .map((name): [string, string] => [name, Object.hasOwn(mapped, name) ? (mapped[name] ?? name) : name])
      .filter(([, wanted]) => there.has(wanted)),
  );
}
