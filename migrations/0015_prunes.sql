-- Prunes: what happened to working material of records that were archived. One row each, and executions of the same name.
create table ledger.prunes (
  id text primary key,
  environment text not null references ledger.environments,
  -- The policy's name, and whose words it was read from.
  policy text not null,
  release text not null references ledger.releases,
  digest text not null,
  trigger text not null check (trigger in ('event', 'request', 'sweep')),
  mode text not null check (mode in ('report', 'prune', 'restore')),
  -- Why nothing is deleted although the policy says so, or somebody asked for it.
  mode_reason text,
  -- The prune whose records are brought back.
  restores text references ledger.prunes,
  requested_by text not null,
  status text not null default 'created' check (status in (
    'created', 'running', 'reported', 'pruned', 'restored', 'nothing-to-do', 'refused', 'failed')),
  -- Every attempt at what is about all records takes a larger token than any before it; a smaller one is a zombie's.
  attempt int not null default 0,
  token bigint,
  -- How many executions were started: the first has the prune's name, a later one its number behind it.
  executions int not null default 1,
  -- What is left for the next round: where the backlog was left off, how many records were taken.
  facts jsonb not null default '{}',
  counts jsonb not null default '{}',
  -- Where the report stands in the bucket, and its hash.
  report jsonb,
  error jsonb,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz,
  check (restores is null or mode = 'restore')
);
create index prunes_newest on ledger.prunes (created_at desc, id desc);
create index prunes_environment on ledger.prunes (environment, created_at desc, id desc);
create index prunes_unended on ledger.prunes (created_at) where status in ('created', 'running');

create table ledger.prune_records (
  prune text not null references ledger.prunes,
  -- The root's primary key, as canonical text.
  record text not null,
  -- As its prune has them: a record is one within its policy.
  environment text not null references ledger.environments,
  policy text not null,
  batch int not null,
  -- The last six are ends. One whose rows are gone and which has not come to its end is finished by a later execution.
  status text not null default 'waiting' check (status in (
    'waiting', 'checked', 'ready', 'bundled', 'rows-deleted', 'media-deleted',
    'reported', 'pruned', 'restored', 'nothing-to-do', 'refused', 'failed')),
  -- Attempts at its batch, as in ledger.prunes.
  attempt int not null default 0,
  token bigint,
  -- Why it was left.
  error jsonb,
  -- What may go and what stays, counted; the whole of it is in the bucket.
  candidates jsonb,
  -- The sealed bundle of what goes: key, sha256, bytes.
  bundle jsonb,
  -- What went: rows by table, objects, bytes.
  deleted jsonb,
  -- The prune that brought it back, and when.
  restored_by text references ledger.prunes,
  restored_at timestamptz,
  -- Its rows were there again with an older state of the database that took its place.
  returned_at timestamptz,
  updated_at timestamptz not null default now(),
  primary key (prune, record)
);
-- A record is in one prune at a time, whoever asks.
create unique index prune_records_at_once on ledger.prune_records (environment, policy, record)
  where status in ('waiting', 'checked', 'ready', 'bundled', 'rows-deleted', 'media-deleted');
create index prune_records_of on ledger.prune_records (environment, policy, record, updated_at desc);
create index prune_records_batch on ledger.prune_records (prune, batch);

-- Nothing of what a hold names is pruned while it stands. Its row stays when it is released.
create table ledger.holds (
  id text primary key,
  environment text not null references ledger.environments,
  policy text not null,
  -- Null holds every record of the policy.
  record text,
  reason text not null,
  placed_by text not null,
  placed_at timestamptz not null default now(),
  released_by text,
  released_at timestamptz,
  release_reason text
);
create index holds_standing on ledger.holds (environment, policy, record) where released_at is null;
create index holds_newest on ledger.holds (placed_at desc, id desc);

-- That a policy was put to a restored copy: only of what was proved there is anything deleted.
create table ledger.policy_tests (
  task text primary key references ledger.tasks,
  environment text not null references ledger.environments,
  policy text not null,
  release text not null references ledger.releases,
  digest text not null,
  -- Of the shape that it was tested on.
  fingerprint text not null,
  passed boolean not null,
  result jsonb not null,
  tested_at timestamptz not null default now()
);
create index policy_tests_of on ledger.policy_tests (environment, policy, tested_at desc);

-- What was told of records that were archived: each word once, whoever repeats it.
create table ledger.archive_events (
  -- Who told it, and by what name.
  source text not null,
  id text not null,
  environment text not null,
  policy text not null,
  record text not null,
  received_at timestamptz not null default now(),
  handled_at timestamptz,
  -- What became of it: a word of core/prunes.ts.
  became text,
  prune text references ledger.prunes,
  primary key (source, id)
);
create index archive_events_unhandled on ledger.archive_events (environment, received_at) where handled_at is null;
create index archive_events_newest on ledger.archive_events (received_at desc, source, id);

alter table ledger.requests add column prune text references ledger.prunes;

create trigger copied after insert or update or delete on ledger.prunes
  for each row execute function ledger.note_change('{id}', '{}');
create trigger copied after insert or update or delete on ledger.prune_records
  for each row execute function ledger.note_change('{prune,record}', '{}');
create trigger copied after insert or update or delete on ledger.holds
  for each row execute function ledger.note_change('{id}', '{}');
create trigger copied after insert or update or delete on ledger.policy_tests
  for each row execute function ledger.note_change('{task}', '{}');
create trigger copied after insert or update or delete on ledger.archive_events
  for each row execute function ledger.note_change('{source,id}', '{}');
