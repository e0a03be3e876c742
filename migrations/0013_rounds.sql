-- Where the functions of the clock were when they last came by: each goes on from there, and none looks at everything at once.
create table ledger.rounds (
  name text primary key,
  state jsonb not null default '{}',
  at timestamptz not null default now()
);
