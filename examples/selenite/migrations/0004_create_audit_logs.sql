-- rehearsal: idempotent
-- What administrators and users did. An event outlives the account it speaks of.

create table if not exists audit_logs (
  id bigint generated always as identity primary key,
  user_id bigint references users on delete set null,
  action text not null check (action <> ''),
  resource_type text not null,
  resource_id text,
  metadata jsonb not null default '{}',
  ip_address inet,
  user_agent text,
  created_at timestamptz not null default now()
);

create index if not exists audit_logs_user on audit_logs (user_id);
create index if not exists audit_logs_created on audit_logs (created_at);
