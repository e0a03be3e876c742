-- Backups that several functions copy: for each attempt of back-up that shares one, who is to copy what, and what came of it.
create table ledger.shared_backups (
  promotion text not null references ledger.promotions,
  attempt int not null,
  -- Of every key; each run writes into a folder of its own below it, which is called as the run is.
  prefix text not null,
  -- Until when its objects are kept, also against whoever may remove others; null when they are not.
  locked_until timestamptz,
  -- What a run needs to copy a unit; null once nobody may join any more.
  plan jsonb,
  -- By then the attempt has been heard of again, or is dead.
  alive_until timestamptz not null,
  -- From then on nothing is taken and nothing recorded.
  closed_at timestamptz,
  primary key (promotion, attempt)
);

create table ledger.shared_units (
  promotion text not null,
  attempt int not null,
  -- Its place in the plan; the largest is the first.
  unit int not null,
  bytes bigint not null,
  -- Everybody who ever began it; the last one has it until `taken_until`.
  runs text[] not null default '{}',
  taken_until timestamptz,
  -- The first to record it is the one whose object counts.
  run text,
  result jsonb,
  primary key (promotion, attempt, unit),
  foreign key (promotion, attempt) references ledger.shared_backups on delete cascade
);
create index shared_units_open on ledger.shared_units (promotion, attempt, unit) where result is null;

-- One invocation that copies: worker 0 is the attempt itself, which has exported the snapshot and writes the manifest.
create table ledger.shared_runs (
  promotion text not null,
  attempt int not null,
  run text not null,
  worker int not null,
  -- What of it counts.
  units int not null default 0,
  bytes bigint not null default 0,
  rows bigint not null default 0,
  seen_at timestamptz not null default now(),
  -- Set when it has put away whatever does not count; one without is not to be believed to have.
  ended_at timestamptz,
  error jsonb,
  primary key (promotion, attempt, run),
  foreign key (promotion, attempt) references ledger.shared_backups on delete cascade
);
