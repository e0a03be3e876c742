-- Who may vouch for people and pipelines. What is asked of their tokens, and which pipelines are trusted, is in settings.
create table ledger.issuers (
  name text primary key check (name ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
  -- The `iss` of its tokens.
  url text not null unique,
  settings jsonb not null,
  changed_by text not null,
  changed_at timestamptz not null default now()
);

-- What is counted within a stretch of time: failed sign-ins of a source, requests of a person. A crash may forget it.
create unlogged table ledger.limits (
  bucket text primary key,
  count bigint not null,
  ends_at timestamptz not null
);
create index limits_end on ledger.limits (ends_at);
