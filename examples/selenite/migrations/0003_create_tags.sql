-- rehearsal: idempotent
-- Tags, and which job has which.

create table if not exists tags (
  id bigint generated always as identity primary key,
  name text not null unique check (name <> ''),
  color text not null default '#888888' check (color ~ '^#[0-9a-f]{6}$'),
  created_at timestamptz not null default now()
);

create table if not exists job_tags (
  job_id uuid not null references jobs on delete cascade,
  tag_id bigint not null references tags on delete cascade,
  primary key (job_id, tag_id)
);

create index if not exists job_tags_tag on job_tags (tag_id);
