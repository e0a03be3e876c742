-- Who may do what. A person is one identity, whatever credentials they show; roles are held per environment, or for all ('*').
create table ledger.people (
  name text primary key check (name ~ '^[a-z0-9][a-z0-9._@+-]{0,79}$'),
  created_by text not null,
  created_at timestamptz not null default now(),
  -- A disabled person's credentials open nothing; the name stays theirs, for the log speaks of it.
  disabled_at timestamptz
);

create table ledger.grants (
  person text not null references ledger.people,
  -- No reference: '*' is none, and an environment may be granted before it is registered.
  environment text not null check (environment = '*' or environment ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
  role text not null check (role in ('viewer', 'promoter', 'approver', 'admin')),
  primary key (person, environment, role)
);

-- By what others vouch for a person: the subject of an issuer's tokens, a role's ARN in AWS.
create table ledger.identities (
  issuer text not null,
  subject text not null,
  person text not null references ledger.people,
  created_by text not null,
  created_at timestamptz not null default now(),
  primary key (issuer, subject)
);
create index identities_person on ledger.identities (person);

-- Whoever had a key until now might do everything.
insert into ledger.people (name, created_by) select distinct person, 'migration' from ledger.keys;
insert into ledger.grants (person, environment, role) select name, '*', 'admin' from ledger.people;

alter table ledger.keys
  -- Stands in the key itself and in the log, and opens nothing.
  add column id text unique,
  add column label text not null default '',
  -- What of its person's grants it may use: [{environment, role}]; null is the whole.
  add column scope jsonb,
  add column expires_at timestamptz,
  add column revoked_at timestamptz,
  add column revoked_by text,
  add column last_used_at timestamptz,
  add column created_by text not null default 'migration',
  -- The credential with which it was made, as kind and id.
  add column created_with text,
  add foreign key (person) references ledger.people;
update ledger.keys set id = left(hash, 12);
alter table ledger.keys alter column id set not null, alter column created_by drop default;
create index keys_person on ledger.keys (person);

-- What a browser holds in its cookie, kept as its sha256. Where a key was shown for it, it lives and dies with the key.
create table ledger.sessions (
  hash text primary key,
  id text not null unique,
  person text not null references ledger.people,
  key text references ledger.keys (id),
  scope jsonb,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz
);
create index sessions_expiry on ledger.sessions (expires_at);

-- Links that sign in once, within minutes: kept as their sha256.
create table ledger.sign_ins (
  hash text primary key,
  id text not null unique,
  person text not null references ledger.people,
  key text references ledger.keys (id),
  scope jsonb,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);
create index sign_ins_expiry on ledger.sign_ins (expires_at);
