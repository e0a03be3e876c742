-- Transcripts of videos, and the speakers heard in them.

create type transcript_status as enum ('draft', 'final', 'superseded');

create table speakers (
  id bigint generated always as identity primary key,
  slug text not null unique check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  display_name text not null check (display_name <> ''),
  created_at timestamptz not null default now()
);

create table transcripts (
  id bigint generated always as identity primary key,
  video_id bigint not null references videos (id) on delete cascade,
  version integer not null check (version > 0),
  status transcript_status not null default 'draft',
  language text not null check (language ~ '^[a-z]{2}(-[A-Z]{2})?$'),
  model text not null,
  duration_ms integer not null check (duration_ms > 0),
  created_at timestamptz not null default now(),
  unique (video_id, version)
);

create unique index transcripts_one_final_per_video on transcripts (video_id) where status = 'final';

comment on table speakers is 'A voice with a name, as the pipeline heard it: one person may have several.';
comment on table transcripts is 'What was said in a video, by one model, in one version.';
comment on index transcripts_one_final_per_video is 'Readers see the final transcript; there is never a choice.';
