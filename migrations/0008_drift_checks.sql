-- What was found when an environment's database was last held against its promise: the newest check alone.
create table ledger.drift_checks (
  environment text primary key references ledger.environments,
  -- The environment's fingerprint at that time: with another one, something else is promised by now.
  promised text not null,
  count int not null check (count >= 0),
  -- The first differences and statements, as people were shown them.
  found jsonb not null,
  checked_by text not null,
  checked_at timestamptz not null default now()
);
