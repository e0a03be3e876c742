-- rehearsal: idempotent
-- Where models come from, the sets they come in, and the models that are installed.

create table if not exists model_providers (
  id bigint generated always as identity primary key,
  name text not null unique check (name <> ''),
  base_url text,
  api_key_encrypted bytea,
  is_enabled boolean not null default false,
  created_at timestamptz not null default now()
);

create table if not exists model_sets (
  id bigint generated always as identity primary key,
  provider_id bigint references model_providers,
  type text not null check (type in ('asr', 'diarizer')),
  name text not null check (name <> ''),
  description text,
  is_enabled boolean not null default false,
  unique (type, name)
);

create index if not exists model_sets_provider on model_sets (provider_id);

create table if not exists model_entries (
  id bigint generated always as identity primary key,
  set_id bigint not null references model_sets on delete cascade,
  name text not null check (name <> ''),
  model_path text not null unique,
  checksum text not null check (checksum ~ '^[0-9a-f]{64}$'),
  is_enabled boolean not null default false,
  installed_at timestamptz not null default now(),
  unique (set_id, name)
);
