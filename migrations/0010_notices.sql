-- Who is told of what. Where a destination really is, and what its messages are signed with, is in Secrets Manager.
create table ledger.destinations (
  name text primary key check (name ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
  kind text not null check (kind in ('webhook', 'slack', 'email')),
  -- What people may see of it: an origin, or the address of a mailbox.
  address text not null,
  secret text not null unique,
  -- Null is all environments.
  environments text[],
  notices text[] not null,
  changed_by text not null,
  changed_at timestamptz not null default now(),
  -- A destination that said it is gone gets nothing until somebody registers it anew.
  disabled_at timestamptz,
  disabled_because text
);

-- What has to reach a destination because of an event: written with the event, in its transaction.
create table ledger.deliveries (
  seq bigint not null references ledger.events,
  destination text not null references ledger.destinations on delete cascade,
  -- The same in every attempt, by which a receiver knows what it has had already.
  id uuid not null unique default gen_random_uuid(),
  status text not null default 'waiting' check (status in ('waiting', 'delivered', 'dead')),
  attempts int not null default 0,
  due_at timestamptz not null default now(),
  -- A sandbox is at it until then; one that died leaves it to the next.
  claimed_until timestamptz,
  error text,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  primary key (seq, destination)
);
create index deliveries_due on ledger.deliveries (destination, due_at) where status = 'waiting';
create index deliveries_listed on ledger.deliveries (destination, seq desc);
create index deliveries_ended on ledger.deliveries (ended_at) where status = 'delivered';
