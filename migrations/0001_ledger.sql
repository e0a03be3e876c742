-- The ledger: what Rehearsal knows of environments, releases and promotions. It outlives every restore of a target.
create schema ledger;

-- Who may speak to the service: a key is shown once and kept only as its sha256.
create table ledger.keys (
  hash text primary key,
  person text not null,
  created_at timestamptz not null default now()
);

create table ledger.environments (
  name text primary key check (name ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
  role text not null check (role in ('dev', 'prod')),
  state text not null check (state in ('writeable', 'provisional', 'canonical')),
  -- The same value stands inside the database, in rehearsal.identity.
  identity uuid not null unique,
  -- Where the URL with the password is kept; the address is what people may see of it.
  secret text not null,
  address text not null,
  policy jsonb not null,
  -- The shape after the last promotion: a database that differs has drifted.
  fingerprint text not null,
  release text,
  created_at timestamptz not null default now()
);

create table ledger.releases (
  hash text primary key check (hash ~ '^[0-9a-f]{64}$'),
  project text not null,
  manifest jsonb not null,
  uploaded_by text not null,
  created_at timestamptz not null default now()
);

create table ledger.promotions (
  id text primary key,
  environment text not null references ledger.environments,
  release text not null references ledger.releases,
  seed boolean not null default false,
  requested_by text not null,
  status text not null default 'created' check (status in
    ('created', 'running', 'waiting', 'promoted', 'nothing-to-do', 'refused', 'rolled-back', 'held')),
  -- The policy as it stood when the promotion began.
  policy jsonb not null,
  -- The environment's state to go back to when nothing comes of it.
  state_before text not null,
  -- What steps found and later steps need: object identifiers of databases, keys of artifacts, fingerprints.
  facts jsonb not null default '{}',
  evidence text,
  asked text check (asked in ('cancel', 'roll-back')),
  asked_by text,
  error jsonb,
  created_at timestamptz not null default now(),
  ended_at timestamptz
);

-- One promotion at a time per environment; a held one keeps its environment locked.
create unique index promotions_lock on ledger.promotions (environment)
  where status in ('created', 'running', 'waiting', 'held');
create index promotions_newest on ledger.promotions (environment, created_at desc);
create index promotions_release on ledger.promotions (release);

-- Every attempt of every step takes a larger token than any before it; whoever shows a smaller one is a zombie.
create sequence ledger.fencing_tokens;

create table ledger.steps (
  promotion text not null references ledger.promotions,
  step text not null,
  attempt int not null,
  token bigint not null unique default nextval('ledger.fencing_tokens'),
  status text not null default 'running' check (status in ('running', 'succeeded', 'failed')),
  outcome jsonb,
  error jsonb,
  progress jsonb,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  primary key (promotion, step, attempt)
);

create table ledger.approvals (
  promotion text primary key references ledger.promotions,
  evidence text not null,
  task_token text not null,
  status text not null default 'waiting' check (status in ('waiting', 'approved', 'rejected', 'expired', 'cancelled')),
  decided_by text,
  comment text,
  requested_at timestamptz not null default now(),
  expires_at timestamptz not null,
  decided_at timestamptz
);

create table ledger.backups (
  id text primary key,
  environment text not null references ledger.environments,
  promotion text not null references ledger.promotions,
  manifest_key text not null,
  manifest_sha256 text not null,
  bytes bigint not null,
  rows bigint not null,
  status text not null default 'written' check (status in ('written', 'verified', 'refused')),
  created_at timestamptz not null default now(),
  verified_at timestamptz
);
create index backups_environment on ledger.backups (environment, created_at desc);
create index backups_promotion on ledger.backups (promotion);

-- The promotion log: a hash chain in the order of seq. `body` holds the exact bytes that the hash covers.
create table ledger.events (
  seq bigint primary key,
  environment text,
  promotion text,
  type text not null,
  body text not null,
  previous text not null,
  hash text not null unique
);
create index events_promotion on ledger.events (promotion, seq);

create function ledger.refuse_change() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'the promotion log is append-only' using errcode = 'restrict_violation';
end $$;
create trigger events_append_only before update or delete on ledger.events
  for each row execute function ledger.refuse_change();
create trigger events_never_emptied before truncate on ledger.events
  for each statement execute function ledger.refuse_change();

-- What must still reach the outside because of a committed event: its copy in S3, its notice on the bus.
create table ledger.outbox (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('log', 'bus')),
  seq bigint not null references ledger.events
);

-- The answer once given to a request with an Idempotency-Key.
create table ledger.requests (
  person text not null,
  key text not null,
  body_sha256 text not null,
  promotion text references ledger.promotions,
  created_at timestamptz not null default now(),
  primary key (person, key)
);
