-- Videos, the things that everything else is about.

create table videos (
  id bigint generated always as identity primary key,
  external_id text not null unique check (external_id ~ '^vid_[0-9a-z]{6,26}$'),
  title text not null check (title <> ''),
  source_url text not null check (source_url like 'https://%'),
  language text not null check (language ~ '^[a-z]{2}(-[A-Z]{2})?$'),
  duration_ms integer not null check (duration_ms > 0),
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  published_at timestamptz,
  created_at timestamptz not null default now()
);

create index videos_published_at on videos (published_at desc) where published_at is not null;

comment on table videos is 'A video and what is known of it; the file itself is in object storage.';
comment on column videos.external_id is 'The identifier that other systems use; never reused.';
comment on column videos.duration_ms is 'Milliseconds.';
