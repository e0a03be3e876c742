-- Stores: an environment's data as files beside its database, how far they follow it, and which of the two is canonical.
create table ledger.stores (
  id text primary key,
  environment text not null references ledger.environments,
  -- Whose store.yaml and schema.lock.json say what stands in it.
  release text not null references ledger.releases,
  -- A folder of the service's machine, or a prefix of the environment's storage.
  place jsonb not null,
  -- While a cutover or its way back is under way nobody else changes anything; the last two are ends.
  phase text not null default 'exporting' check (phase in (
    'exporting', 'following', 'verified', 'cutting-over', 'cut-over', 'going-back', 'returned', 'given-up')),
  -- The task that is changing the phase, while one does.
  task text references ledger.tasks,
  -- How far it follows, what was verified, which database is kept behind the fence.
  facts jsonb not null default '{}',
  created_at timestamptz not null default now(),
  exported_at timestamptz,
  verified_at timestamptz,
  cut_over_at timestamptz,
  ended_at timestamptz
);
create unique index stores_living on ledger.stores (environment) where phase not in ('returned', 'given-up');
create index stores_newest on ledger.stores (environment, created_at desc, id desc);

create trigger copied after insert or update or delete on ledger.stores
  for each row execute function ledger.note_change('{id}', '{}');

alter table ledger.tasks
  drop constraint tasks_kind_check,
  add constraint tasks_kind_check check (kind in (
    'back-up', 'verify', 'restore', 'expire', 'export',
    'replay', 'adopt', 'squash', 'baseline',
    'import-files', 'import-sqlite', 'report', 'regenerate', 'prune-test',
    'store-dump', 'store-export', 'store-sync', 'store-verify', 'store-import', 'store-cutover'));
