/** Environments in the ledger: the registered databases and what is promised of each. */

import { RehearsalError } from "../../core/errors.ts";
import { type Policy, policySchema } from "../../core/policy.ts";
import type { Session } from "../postgres/session.ts";

type Role = "dev" | "prod";
export type State = "writeable" | "provisional" | "canonical";

export interface Environment {
  name: string;
  role: Role;
  state: State;
  identity: string;
  /** The name of the secret with production's own credentials. */
  secret: string;
  /** Of the one with those for copies; null where none was made, and the other serves both. */
  copiesSecret: string | null;
  address: string;
  policy: Policy;
  fingerprint: string;
  release: string | null;
}

const COLUMNS =
  'name, role, state, identity, secret, copies_secret as "copiesSecret", address, policy, fingerprint, release';

/** The environment of that name; throws `NotFound`. */
export async function readEnvironment(session: Session, name: string): Promise<Environment> {
  const found = await findEnvironment(session, name);
  if (found === undefined) throw new RehearsalError("NotFound", { what: "environment", name });
  return found;
}

/** The environment of that name, where there is one. */
export async function findEnvironment(session: Session, name: string): Promise<Environment | undefined> {
  const [row] = await session.query<Environment>(
    `select ${COLUMNS} from ledger.environments where name = $1`,
    [name],
  );
  return row && { ...row, policy: policySchema.parse(row.policy) };
}

export async function listEnvironments(session: Session): Promise<Environment[]> {
  const found = await session.query<Environment>(`select ${COLUMNS} from ledger.environments order by name`);
  return found.map((row) => ({ ...row, policy: policySchema.parse(row.policy) }));
}

/** Registers an environment; throws `EnvironmentExists` when the name is taken. */
export async function insertEnvironment(session: Session, environment: Environment): Promise<void> {
  const inserted = await session.query(
    `insert into ledger.environments
        (name, role, state, identity, secret, copies_secret, address, policy, fingerprint, release)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing returning name`,
    [
      environment.name,
      environment.role,
      environment.state,
      environment.identity,
      environment.secret,
      environment.copiesSecret,
      environment.address,
      JSON.stringify(environment.policy),
      environment.fingerprint,
      environment.release,
    ],
  );
  if (inserted.length === 0) throw new RehearsalError("EnvironmentExists", { name: environment.name });
}

/** Writes what a promotion made of the environment. */
export async function updateEnvironment(
  session: Session,
  name: string,
  change: { state: State; fingerprint?: string; release?: string },
): Promise<void> {
  await session.query(
    `update ledger.environments set state = $2, fingerprint = coalesce($3, fingerprint), release = coalesce($4, release)
      where name = $1`,
    [name, change.state, change.fingerprint ?? null, change.release ?? null],
  );
}

/** Names the secret with the credentials for copies. */
export async function updateCopiesSecret(session: Session, name: string, secret: string): Promise<void> {
  await session.query("update ledger.environments set copies_secret = $2 where name = $1", [name, secret]);
}

/** Replaces the policy; promotions under way keep the one they began with. */
export async function updatePolicy(session: Session, name: string, policy: Policy): Promise<void> {
  await session.query("update ledger.environments set policy = $2 where name = $1", [
    name,
    JSON.stringify(policy),
  ]);
}

/** Another database has taken the environment's place: what is promised of it is what that one is. */
export async function replaceEnvironment(
  session: Session,
  name: string,
  change: { fingerprint: string; release: string | null },
): Promise<void> {
  await session.query("update ledger.environments set fingerprint = $2, release = $3 where name = $1", [
    name,
    change.fingerprint,
    change.release,
  ]);
}

/** Until the transaction ends no promotion and no task of the environment can be inserted. */
export async function lockEnvironment(session: Session, name: string): Promise<void> {
  await session.query("select 1 from ledger.environments where name = $1 for update", [name]);
}
