-- rehearsal: idempotent
-- A second factor for accounts. In users everything that is there stays: whoever is logged in stays logged in, and
-- nobody is asked for a second factor who has not set one up.

alter table users add column if not exists totp_secret bytea;
alter table users add column if not exists totp_confirmed_at timestamptz;

create table if not exists backup_codes (
  id bigint generated always as identity primary key,
  user_id bigint not null references users on delete cascade,
  code_hash text not null,
  used_at timestamptz,
  created_at timestamptz not null default now()
);

create index if not exists backup_codes_user on backup_codes (user_id);
