-- rehearsal: idempotent
-- A job is one assessment of one site; a round is one pass over it, and working material until the job is archived.

create table if not exists jobs (
  id bigint generated always as identity primary key,
  reference text not null unique check (reference <> ''),
  customer_id bigint not null references customers,
  billing_profile_id bigint references billing_profiles,
  operator_id bigint references operators,
  status text not null default 'draft' check (status in ('draft', 'active', 'review', 'archived', 'cancelled')),
  site_address text not null default '',
  longitude numeric(9, 6) check (longitude between -180 and 180),
  latitude numeric(8, 6) check (latitude between -90 and 90),
  source text not null default 'application' check (source in ('application', 'legacy')),
  -- What the filesystem's jobs were numbered by: up to 2^63, so no JSON reader may make a float of it.
  legacy_id bigint unique,
  -- How many rounds a legacy record says that there were; the rows say how many came.
  rounds_declared int check (rounds_declared >= 0),
  opened_at timestamptz not null default now(),
  archived_at timestamptz,
  constraint archived_jobs_say_when check ((status = 'archived') = (archived_at is not null))
);

create index if not exists jobs_customer on jobs (customer_id);
create index if not exists jobs_billing_profile on jobs (billing_profile_id);
create index if not exists jobs_operator on jobs (operator_id);
create index if not exists jobs_archived on jobs (archived_at) where status = 'archived';

create table if not exists job_rounds (
  id bigint generated always as identity primary key,
  reference text not null unique check (reference <> ''),
  job_id bigint not null references jobs,
  number int not null check (number > 0),
  status text not null default 'open' check (status in ('open', 'submitted', 'accepted', 'rejected')),
  operator_id bigint references operators,
  notes jsonb not null default '{}' check (jsonb_typeof(notes) = 'object'),
  started_at timestamptz,
  completed_at timestamptz,
  unique (job_id, number)
);

create index if not exists job_rounds_operator on job_rounds (operator_id);
