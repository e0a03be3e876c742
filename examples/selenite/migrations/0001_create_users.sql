-- rehearsal: idempotent
-- Accounts, and what each account prefers.

create table if not exists users (
  id bigint generated always as identity primary key,
  username text not null unique check (username <> ''),
  email text not null unique check (email like '%_@_%'),
  password_hash text not null,
  is_admin boolean not null default false,
  is_disabled boolean not null default false,
  last_login_at timestamptz,
  created_at timestamptz not null default now()
);

create table if not exists user_settings (
  user_id bigint primary key references users on delete cascade,
  default_language text not null default 'auto',
  default_model text not null default 'medium',
  diarization boolean not null default true,
  preferences jsonb not null default '{}' check (jsonb_typeof(preferences) = 'object'),
  updated_at timestamptz not null default now()
);
