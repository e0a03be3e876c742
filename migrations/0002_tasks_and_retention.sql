-- Tasks: work that is too long for a request and belongs to no promotion. One row each, and an execution of the same name.
create table ledger.tasks (
  id text primary key,
  kind text not null check (kind in ('back-up', 'verify', 'restore', 'expire', 'export')),
  -- Null where it is about all of them.
  environment text references ledger.environments,
  backup text references ledger.backups,
  input jsonb not null,
  requested_by text not null,
  status text not null default 'created' check (status in ('created', 'running', 'succeeded', 'failed')),
  -- Every attempt takes a larger token than any before it; whoever shows a smaller one is a zombie.
  attempt int not null default 0,
  token bigint,
  -- What an attempt leaves for the next.
  facts jsonb not null default '{}',
  outcome jsonb,
  error jsonb,
  progress jsonb,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz
);
create index tasks_newest on ledger.tasks (created_at desc);
create index tasks_environment on ledger.tasks (environment);
create index tasks_backup on ledger.tasks (backup);

alter table ledger.requests add column task text references ledger.tasks;

alter table ledger.backups
  -- A backup may be taken without a promotion.
  alter column promotion drop not null,
  add column task text references ledger.tasks,
  -- The backup it builds on: some of its objects are the base's.
  add column base text references ledger.backups,
  -- When the snapshot was taken; the row is made when the backup is complete.
  add column taken_at timestamptz not null default now(),
  -- Bytes of COPY text; unknown of backups taken before this column was.
  add column raw_bytes bigint,
  add column retention text not null default 'promotion' check (retention in ('promotion', 'manual', 'archive')),
  add column retain_until timestamptz,
  add column held_reason text,
  add column held_by text,
  add column verified_by text check (verified_by in ('restore', 'objects')),
  add column restore_seconds double precision,
  -- Why it was refused.
  add column error jsonb,
  -- Set before its objects are removed: from then on nobody may rely on it.
  add column expiring_at timestamptz,
  add column expired_at timestamptz,
  drop constraint backups_status_check,
  add constraint backups_status_check check (status in ('written', 'verified', 'refused', 'expired'));
update ledger.backups set taken_at = created_at, retain_until = created_at + interval '30 days',
  verified_by = case when status = 'verified' then 'restore' end;
alter table ledger.backups alter column retain_until set not null;
create index backups_base on ledger.backups (base);
create index backups_task on ledger.backups (task);
