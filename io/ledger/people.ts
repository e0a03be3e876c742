/** People in the ledger: one identity each, with the roles they hold and the subjects that others know them by. */
import type { Grant } from "../../core/access.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Session } from "../postgres/session.ts";

export interface Person {
  name: string;
  /** What they hold, before any credential narrows it. */
  grants: Grant[];
  disabledAt: Date | null;
  createdBy: string;
  createdAt: Date;
}

/** By what an issuer of tokens, or AWS, knows a person. */
export interface Identity {
  issuer: string;
  subject: string;
}

const COLUMNS = `p.name, p.disabled_at as "disabledAt", p.created_by as "createdBy", p.created_at as "createdAt",
  coalesce((select jsonb_agg(jsonb_build_object('environment', g.environment, 'role', g.role) order by g.environment, g.role)
    from ledger.grants g where g.person = p.name), '[]') as grants`;

/** The person of that name; undefined when there is none. */
export async function findPerson(session: Session, name: string): Promise<Person | undefined> {
  const [row] = await session.query<Person>(`select ${COLUMNS} from ledger.people p where p.name = $1`, [
    name,
  ]);
  return row;
}

/** The person of that name; throws `NotFound`. */
export async function readPerson(session: Session, name: string): Promise<Person> {
  const found = await findPerson(session, name);
  if (found === undefined) throw new RehearsalError("NotFound", { what: "person", name });
  return found;
}

/** Whom an issuer's subject stands for; undefined when nobody. */
export async function findByIdentity(
  session: Session,
  { issuer, subject }: Identity,
): Promise<Person | undefined> {
  // What a token says may hold a NUL, which Postgres would not take, and so is nobody's.
  if (`${issuer}${subject}`.includes("\0")) return undefined;
  const [row] = await session.query<Person>(
    `select ${COLUMNS} from ledger.people p join ledger.identities i on i.person = p.name
      where i.issuer = $1 and i.subject = $2`,
    [issuer, subject],
  );
  return row;
}

/** By name, behind `after`. */
export async function listPeople(
  session: Session,
  options: { after?: string; limit: number },
): Promise<Person[]> {
  return session.query<Person>(
    `select ${COLUMNS} from ledger.people p where p.name > $1 order by p.name limit $2`,
    [options.after ?? "", options.limit],
  );
}

/** True when there was none of that name. */
export async function insertPerson(session: Session, name: string, by: string): Promise<boolean> {
  const inserted = await session.query(
    "insert into ledger.people (name, created_by) values ($1, $2) on conflict do nothing returning name",
    [name, by],
  );
  return inserted.length > 0;
}

/** Replaces what a person holds; call `assertAdminLeft` behind it. */
export async function replaceGrants(
  session: Session,
  person: string,
  grants: readonly Grant[],
): Promise<void> {
  await session.query("delete from ledger.grants where person = $1", [person]);
  await session.query(
    `insert into ledger.grants (person, environment, role)
      select $1, g.environment, g.role from jsonb_to_recordset($2::jsonb) as g (environment text, role text)
      on conflict do nothing`,
    [person, JSON.stringify(grants)],
  );
}

export async function setDisabled(session: Session, person: string, disabled: boolean): Promise<void> {
  await session.query(
    `update ledger.people set disabled_at = case when $2 then coalesce(disabled_at, now()) end where name = $1`,
    [person, disabled],
  );
}

/** Until the transaction ends nobody else changes who holds what: two admins could otherwise remove each other. */
export async function lockPeople(session: Session): Promise<void> {
  await session.query("lock table ledger.people, ledger.grants in share row exclusive mode");
}

/** Throws `LastAdmin` when nobody is left who may administer everything; call it under `lockPeople`. */
export async function assertAdminLeft(session: Session, person: string): Promise<void> {
  const [left] = await session.query(
    `select 1 from ledger.grants g join ledger.people p on p.name = g.person
      where g.environment = '*' and g.role = 'admin' and p.disabled_at is null limit 1`,
  );
  if (left === undefined) throw new RehearsalError("LastAdmin", { person });
}

export async function listIdentities(session: Session, person: string): Promise<Identity[]> {
  return session.query<Identity>(
    "select issuer, subject from ledger.identities where person = $1 order by issuer, subject",
    [person],
  );
}

/** Binds a subject to a person; false when it is theirs already. Throws `IdentityTaken` when it is another's. */
export async function insertIdentity(
  session: Session,
  person: string,
  { issuer, subject }: Identity,
  by: string,
): Promise<boolean> {
  const inserted = await session.query(
    `insert into ledger.identities (issuer, subject, person, created_by) values ($1, $2, $3, $4)
      on conflict do nothing returning person`,
    [issuer, subject, person, by],
  );
  if (inserted.length > 0) return true;
  const owner = await findByIdentity(session, { issuer, subject });
  if (owner?.name !== person)
    throw new RehearsalError("IdentityTaken", { issuer, subject, person: owner?.name ?? "somebody" });
  return false;
}

/** False when it was not theirs. */
export async function removeIdentity(
  session: Session,
  person: string,
  { issuer, subject }: Identity,
): Promise<boolean> {
  const removed = await session.query(
    "delete from ledger.identities where person = $1 and issuer = $2 and subject = $3 returning person",
    [person, issuer, subject],
  );
  return removed.length > 0;
}
