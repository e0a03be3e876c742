/**
 * What Rehearsal keeps inside a target: who the database is, which migrations it has had, and what was done to its records. Nothing else.
 *
 * Long because the tables it keeps there, and all that reads and writes them, stand together.
 */

import { RehearsalError } from "../../core/errors.ts";
import { quoteLiteral } from "../../core/names.ts";
import type { Environment } from "../ledger/environments.ts";
import type { Session } from "./session.ts";

/** Added later: an installation of before gets it with its first batch. */
export const BATCHES = `
create table if not exists rehearsal.batches (
  path text primary key,
  sha256 text not null,
  promotion text not null,
  cursor text,
  upper_bound text,
  rows bigint not null,
  visited bigint not null,
  expected bigint not null,
  slices int not null,
  milliseconds bigint not null,
  started_at timestamptz not null default now(),
  done boolean not null
);
comment on table rehearsal.batches is 'Migrations that run in slices of a key: the last key done, and the one to stop at.';
`;

/**
 * Added later: what is done to data between promotions, and what triggers may ask and tell. An act is written in the transaction of its
 * effect. Numbers of transactions begin anew on another server, where a restored act could meet one that is not its own: hence the time.
 */
const LIFE = `
create table if not exists rehearsal.acts (
  kind text not null,
  id text not null,
  record text not null,
  facts jsonb not null default '{}',
  xid xid8 not null default pg_current_xact_id(),
  at timestamptz not null default now(),
  primary key (kind, id, record)
);
comment on table rehearsal.acts is 'What was done to records, each written in the transaction that did it: the evidence that it was committed.';
create index if not exists acts_xid on rehearsal.acts (xid);
create table if not exists rehearsal.archived (
  id bigint generated always as identity primary key,
  policy text not null check (length(policy) <= 200),
  record text not null check (length(record) <= 2000),
  xid xid8 not null default pg_current_xact_id(),
  at timestamptz not null default clock_timestamp()
);
comment on table rehearsal.archived is 'Records that the application has archived, to be fetched by the service.';
create or replace function rehearsal.is_acting(kind text) returns boolean
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (select from rehearsal.acts a
      where a.xid = pg_current_xact_id_if_assigned() and a.at = now() and a.kind = is_acting.kind) $$;
comment on function rehearsal.is_acting(text) is 'True in a transaction of Rehearsal that acts so: prune, prune-restore, regenerate or import. For triggers.';
create or replace function rehearsal.record_archived(policy text, record text) returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into rehearsal.archived (policy, record) values (record_archived.policy, record_archived.record) $$;
comment on function rehearsal.record_archived(text, text) is 'Tells Rehearsal that a record was archived, in the transaction that archives it. For triggers.';
grant usage on schema rehearsal to public;
grant execute on function rehearsal.is_acting(text), rehearsal.record_archived(text, text) to public;
`;

/** Version 1 of the schema `rehearsal`; run in one transaction by the registration of an environment. */
const SCHEMA = `
create schema rehearsal;
comment on schema rehearsal is 'Kept by Rehearsal: identity and applied migrations. Do not change it by hand.';
create table rehearsal.identity (
  only_row boolean primary key default true check (only_row),
  environment text not null,
  role text not null check (role in ('dev', 'prod')),
  state text not null check (state in ('writeable', 'provisional', 'canonical')),
  identity uuid not null,
  promotion text,
  token bigint not null default 0
);
create table rehearsal.applied (
  path text primary key,
  version int unique,
  sha256 text not null,
  release text not null,
  promotion text not null,
  applied_at timestamptz not null default now(),
  milliseconds int not null
);
create table rehearsal.outside (
  path text not null,
  statement int not null,
  promotion text not null,
  done boolean not null default false,
  primary key (path, statement)
);
comment on table rehearsal.outside is 'Statements of migrations that run outside a transaction: begun, or done.';
${BATCHES}
revoke all on schema rehearsal from public;
`;

interface Identity {
  environment: string;
  role: Environment["role"];
  state: Environment["state"];
  identity: string;
  promotion: string | null;
  token: string;
}

/** The identity inside the database, or undefined when it has none. */
export async function readIdentity(session: Session): Promise<Identity | undefined> {
  const [known] = await session.query<{ there: boolean }>(
    "select to_regclass('rehearsal.identity') is not null as there",
  );
  if (!known?.there) return undefined;
  const [row] = await session.query<Identity>(
    "select environment, role, state, identity, promotion, token from rehearsal.identity",
  );
  return row;
}

/** Puts the schema and the identity into a database that has none; throws `IdentityMismatch` when it is somebody's already. */
export async function installIdentity(
  session: Session,
  environment: Pick<Environment, "name" | "role" | "state" | "identity">,
): Promise<void> {
  const known = await readIdentity(session);
  if (known?.identity === environment.identity) return;
  if (known !== undefined)
    throw new RehearsalError("IdentityMismatch", {
      environment: environment.name,
      problem: `it is registered as "${known.environment}" already`,
    });
  await session.transaction(async () => {
    await session.execute(SCHEMA);
    await makeLife(session);
    await session.query(
      "insert into rehearsal.identity (environment, role, state, identity) values ($1, $2, $3, $4)",
      [environment.name, environment.role, environment.state, environment.identity],
    );
  });
}

const IS_LIVELY = "to_regprocedure('rehearsal.record_archived(text, text)') is not null";

/** Gives an installation of before what acts, and triggers that speak with us, need; safe to call again. */
export async function ensureLife(session: Session): Promise<void> {
  const [known] = await session.query<{ there: boolean }>(`select ${IS_LIVELY} as there`);
  if (known?.there !== true)
    await (session.inTransaction() ? makeLife(session) : session.transaction(() => makeLife(session)));
}

/** Everybody may look into the schema from here on, so what default privileges have given others on its tables is taken from them. */
async function makeLife(session: Session): Promise<void> {
  await session.execute(BATCHES + LIFE);
  const given = await session.query<{ table: string; role: string }>(
    `select distinct quote_ident(c.relname) as table,
        case when g.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end as role
      from pg_class c cross join lateral aclexplode(c.relacl) g
      where c.relnamespace = 'rehearsal'::regnamespace and g.grantee <> c.relowner order by 1, 2`,
  );
  for (const { table, role } of given)
    await session.execute(`revoke all on rehearsal.${table} from ${role} cascade`);
}

/** Throws `IdentityMismatch` unless the database is what the ledger says. */
export function assertIdentity(found: Identity | undefined, environment: Environment): Identity {
  const refuse = (problem: string) =>
    new RehearsalError("IdentityMismatch", { environment: environment.name, problem });
  if (found === undefined) throw refuse("it carries no identity");
  if (found.identity !== environment.identity || found.environment !== environment.name)
    throw refuse(`it says that it is "${found.environment}"`);
  if (found.role !== environment.role) throw refuse(`its role is ${found.role}, not ${environment.role}`);
  // A promotion's id beside the state says that it was written on the way; the environment's lock is ours, so whoever
  // wrote it has ended, or it was an earlier attempt of this very promotion.
  if (found.state !== environment.state && found.promotion === null)
    throw refuse(`its state is ${found.state}, not ${environment.state}`);
  return found;
}

/**
 * Takes the database for an attempt: whoever comes later with a smaller token is refused with `AttemptStale`. Inside
 * a transaction it also holds the row, so that an older attempt cannot slip in before COMMIT.
 */
export async function takeToken(session: Session, attempt: Attempt): Promise<void> {
  const [taken] = await session.execute(takenBy(attempt));
  if (taken?.rowCount !== 1) throw overtaken(attempt);
}

/** SQL: changes the one row, or none. */
function takenBy({ token }: Attempt): string {
  return `update rehearsal.identity set token = ${token} where token <= ${token}`;
}

interface Attempt {
  step: string;
  attempt: number;
  token: number;
}

function overtaken({ step, attempt }: Attempt): RehearsalError {
  return new RehearsalError("AttemptStale", { step, attempt });
}

/** Takes the database as `takeToken` does, and tells which of these paths were applied and whether `ensureLife` has nothing to do; in one message, for a server may be far away. */
export async function takeRecord(
  session: Session,
  attempt: Attempt,
  paths: readonly string[],
): Promise<{ applied: Pick<AppliedFile, "path" | "sha256">[]; lively: boolean }> {
  // Two statements, so that the second sees what whoever held the row has committed before it let go.
  const [found] = await session.query<{
    taken: boolean;
    applied: Pick<AppliedFile, "path" | "sha256">[] | null;
    lively: boolean;
  }>(
    `${takenBy(attempt)}; select (select token from rehearsal.identity) = ${attempt.token} as taken, ${IS_LIVELY} as lively,
      (select json_agg(json_build_object('path', path, 'sha256', sha256)) from rehearsal.applied
        where path = any (array[${paths.map(quoteLiteral).join(", ")}]::text[])) as applied`,
  );
  if (found?.taken !== true) throw overtaken(attempt);
  return { applied: found.applied ?? [], lively: found.lively };
}

/** As `session.transaction`, holding the token's row to the end: an older attempt that is still alive waits there, then finds itself overtaken. Throws `AttemptStale`. */
export async function transactionOf<T>(
  session: Session,
  attempt: Attempt,
  work: () => Promise<T>,
): Promise<T> {
  return session.transaction(
    ([, taken]) => {
      if (taken?.rowCount !== 1) throw overtaken(attempt);
      return work();
    },
    `begin; ${takenBy(attempt)}`,
  );
}

/** SQL: until the transaction ends nobody takes the database for an attempt. Others may hold it so at the same time. */
export const LOCK_IDENTITY = "select count(*) from (select from rehearsal.identity for share) s";

/** Writes the state a promotion gives the database; the promotion's id stands beside it while it is not settled. */
export async function writeState(
  session: Session,
  state: Environment["state"],
  promotion: string | null,
): Promise<void> {
  await session.query("update rehearsal.identity set state = $1, promotion = $2", [state, promotion]);
}

export interface AppliedFile {
  path: string;
  /** Null for views and seeds, which may run again when they change. */
  version: number | null;
  sha256: string;
  promotion: string;
}

/** What was applied, in its order; of these paths only, when some are named. */
export async function readApplied(session: Session, paths?: readonly string[]): Promise<AppliedFile[]> {
  return session.query<AppliedFile>(
    `select path, version, sha256, promotion from rehearsal.applied
      ${paths === undefined ? "" : "where path = any ($1)"} order by version nulls last, path`,
    paths && [paths],
  );
}

/** Records what a promotion has applied, in the transaction that applies it; a view or a seed that ran before takes its own row's place. */
export async function recordApplied(
  session: Session,
  { release, attempt }: { release: string; attempt: { promotion: string } },
  files: readonly Pick<AppliedFile, "path" | "version" | "sha256">[],
  milliseconds: readonly number[],
): Promise<void> {
  await session.query(
    `insert into rehearsal.applied (path, version, sha256, release, promotion, milliseconds)
      select path, version, sha256, $5, $6, milliseconds
        from unnest($1::text[], $2::int[], $3::text[], $4::int[]) as a(path, version, sha256, milliseconds)
      on conflict (path) do update set sha256 = excluded.sha256, release = excluded.release,
        promotion = excluded.promotion, milliseconds = excluded.milliseconds, applied_at = now()`,
    [
      files.map(({ path }) => path),
      files.map(({ version }) => version),
      files.map(({ sha256 }) => sha256),
      milliseconds.map(Math.round),
      release,
      attempt.promotion,
    ],
  );
}

/** The release that the newest applied file came with; null when none was applied. */
export async function newestRelease(session: Session): Promise<string | null> {
  const [row] = await session.query<{ release: string }>(
    "select release from rehearsal.applied order by applied_at desc, version desc nulls last limit 1",
  );
  return row?.release ?? null;
}

/** True when a promotion has left something in the database: a file applied, a slice, or a statement begun outside a transaction. */
export async function hasLeftSomething(session: Session, promotion: string): Promise<boolean> {
  const [row] = await session.query<{ left: boolean }>(
    `select exists (select 1 from rehearsal.applied where promotion = $1)
        or exists (select 1 from rehearsal.outside where promotion = $1) as left`,
    [promotion],
  );
  if (row?.left === true) return true;
  const [batches] = await session.query<{ there: boolean }>(
    "select to_regclass('rehearsal.batches') is not null as there",
  );
  if (!batches?.there) return false;
  const [sliced] = await session.query(
    "select 1 from rehearsal.batches where promotion = $1 and slices > 0 limit 1",
    [promotion],
  );
  return sliced !== undefined;
}
