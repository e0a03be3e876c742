/**
 * The credentials by which copies are made. They have a secret of their own, the only one that the steps on copies may
 * read; and where the operator gives it another role than production's, the server keeps these out of production as well.
 */
import { type Check, checked, ok, warning } from "../core/checkup.ts";
import { type DatabaseAddress, databaseUrl, parseDatabaseUrl } from "../core/database-url.ts";
import { RehearsalError } from "../core/errors.ts";
import { quoteName } from "../core/names.ts";
import type { Policy } from "../core/policy.ts";
import {
  type Environment,
  lockEnvironment,
  readEnvironment,
  updateCopiesSecret,
} from "../io/ledger/environments.ts";
import { appendEvent } from "../io/ledger/events.ts";
import { readServer } from "../io/postgres/backup-facts.ts";
import { findDatabase } from "../io/postgres/databases.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { secretName, secrets } from "./clients.ts";

/** Where copies of an environment are made, with the password. */
export async function readCopiesAddress(environment: Environment): Promise<DatabaseAddress> {
  return parseDatabaseUrl(await secrets.readSecret(environment.copiesSecret ?? environment.secret));
}

interface Original {
  name: string;
  address: DatabaseAddress;
  copies?: DatabaseAddress;
  policy: Policy;
}

/**
 * The address for copies, found fit; `production` is a session on the original, whose own address serves where no other is
 * given. What is done on copies is done as production's role, or it would not be what production will see: another login has to be allowed to
 * act as it. Throws `RoleRefused`, `CopiesElsewhere`, and what connecting throws.
 */
export async function fitForCopies(
  { name, address, copies, policy }: Original,
  production: Session,
): Promise<DatabaseAddress> {
  if (copies === undefined) return address;
  const role = copies.role ?? address.role ?? address.user;
  const { role: _, ...login } = copies;
  const fit = { ...login, ...(role !== copies.user && { role }), database: address.database };
  const session = await openCopies(fit, policy, name);
  try {
    const [own, theirs] = [await readServer(production), await readServer(session)];
    if (own.system !== theirs.system || own.runningSince !== theirs.runningSince)
      throw new RehearsalError("CopiesElsewhere", { environment: name, problem: "it is another server" });
    const [other] = await session.query<{ acts: string }>(
      "select current_user::text as acts where current_user <> $1",
      [await actingRole(production)],
    );
    if (other !== undefined)
      throw new RehearsalError("CopiesElsewhere", {
        environment: name,
        problem: `its sessions act as "${other.acts}", and production's do not`,
      });
    return fit;
  } finally {
    await session.close();
  }
}

async function actingRole(session: Session): Promise<string> {
  const [row] = await session.query<{ acts: string }>("select current_user::text as acts");
  return row?.acts ?? "";
}

/** Gives an environment's copies another login, or without one production's own. */
export async function keepCopiesCredentials(
  ledger: Session,
  name: string,
  { address: given, person }: { address?: DatabaseAddress; person: string },
): Promise<{ copiesAs: string }> {
  const environment = await readEnvironment(ledger, name);
  const address = parseDatabaseUrl(await secrets.readSecret(environment.secret));
  const session = await openSession(address, {
    application: `rehearsal copies ${name}`,
    lockTimeout: 10_000,
    patienceSeconds: 0,
  });
  let fit: DatabaseAddress;
  try {
    fit = await fitForCopies({ ...environment, address, ...(given && { copies: given }) }, session);
  } finally {
    await session.close();
  }
  const secret = secretName("copies", name);
  await ledger.transaction(async () => {
    // Two at once would leave the secret of the one and the log of the other.
    await lockEnvironment(ledger, name);
    await secrets.writeSecret(secret, databaseUrl(fit));
    await updateCopiesSecret(ledger, name, secret);
    await appendEvent(ledger, {
      type: "environment.copies-credentials-changed",
      environment: name,
      data: { copiesAs: fit.user, by: person },
    });
  });
  return { copiesAs: fit.user };
}

/** Whether copies can be made, and whether whoever makes them could reach production: asked of the server, by their own credentials. */
export async function checkCopies(environment: Environment, production: Session): Promise<Check> {
  const name = "copies";
  return checked(name, async () => {
    if (environment.copiesSecret === null)
      return warning(
        name,
        "are made by production's own secret: it was registered before copies had one",
        `rehearsal env copies ${environment.name}`,
      );
    const address = await readCopiesAddress(environment);
    const original = await findDatabase(production, { name: production.address.database });
    const session = await openCopies(address, environment.policy, environment.name);
    try {
      const rights = await readCopierRights(session, original?.oid ?? 0);
      if (!rights.createdb)
        throw new RehearsalError("PermissionMissing", {
          role: rights.acts,
          right: "CREATEDB, to make the copy",
        });
      if (address.user === production.address.user)
        return ok(
          name,
          `are made as ${rights.login}, as production is migrated; a login of their own would keep a restore out of production: docs/connections.md`,
        );
      if (rights.mayConnect)
        return warning(
          name,
          `are made by ${rights.login}, which may connect to production as well: ${whyItMay(rights)}`,
          mendOf(rights, production.address.database),
        );
      return ok(
        name,
        `are made by ${rights.login}, acting as ${rights.acts}: restore cannot reach production`,
      );
    } finally {
      await session.close();
    }
  });
}

interface CopierRights {
  login: string;
  acts: string;
  createdb: boolean;
  mayConnect: boolean;
  super: boolean;
  inherits: boolean;
}

async function readCopierRights(session: Session, production: number): Promise<CopierRights> {
  const [rights] = await session.query<CopierRights>(
    `select l.rolname::text as login, a.rolname::text as acts, a.rolcreatedb or a.rolsuper as createdb, l.rolsuper as super,
        has_database_privilege(l.oid, d.oid, 'connect') as "mayConnect",
        pg_has_role(l.oid, d.datdba, 'usage') as inherits
      from pg_roles l, pg_roles a, pg_database d
      where l.rolname = session_user and a.rolname = current_user and d.oid = $1::oid`,
    [production],
  );
  if (rights === undefined)
    throw new RehearsalError("NotFound", { what: "database", name: `oid ${production}` });
  return rights;
}

function whyItMay({ super: isSuper, inherits }: CopierRights): string {
  if (isSuper) return "it is a superuser";
  return inherits
    ? "it has its owner's rights without asking for them"
    : "CONNECT was granted to it, or to all";
}

function mendOf({ login, acts, super: isSuper, inherits }: CopierRights, database: string): string {
  const [user, role] = [quoteName(login), quoteName(acts)];
  if (isSuper) return `give the copies a login that is no superuser: docs/connections.md`;
  if (inherits) return `as a superuser: GRANT ${role} TO ${user} WITH SET TRUE, INHERIT FALSE`;
  return `as its owner: REVOKE CONNECT ON DATABASE ${quoteName(database)} FROM PUBLIC, ${user}; and GRANT it to the roles of your services`;
}

function openCopies(address: DatabaseAddress, policy: Policy, name: string): Promise<Session> {
  return openSession(address, {
    application: `rehearsal copies ${name}`,
    database: policy.maintenanceDatabase,
    statementTimeout: 15_000,
    // A person waits.
    patienceSeconds: 0,
  });
}
