-- rehearsal: idempotent
-- What holds for the whole installation: typed preferences in one row, and everything else by its key.

create table if not exists system_preferences (
  id smallint primary key default 1 check (id = 1),
  server_timezone text not null default 'UTC',
  transcode_to_wav boolean not null default true,
  session_minutes integer not null default 60 check (session_minutes > 0),
  feature_flags jsonb not null default '{}' check (jsonb_typeof(feature_flags) = 'object'),
  updated_at timestamptz not null default now()
);

insert into system_preferences (id) values (1) on conflict do nothing;

create table if not exists settings (
  key text primary key check (key ~ '^[a-z][a-z0-9_.]*$'),
  value jsonb not null,
  updated_at timestamptz not null default now()
);
