-- References to AI layers, whose artifacts are in object storage, and the state of processing jobs.

create type layer_kind as enum ('summary', 'topics', 'entities', 'sentiment', 'embeddings');
create type job_kind as enum ('ingest', 'transcribe', 'diarize', 'enrich');
create type job_state as enum ('queued', 'running', 'succeeded', 'failed');

create table ai_layers (
  id bigint generated always as identity primary key,
  transcript_id bigint not null references transcripts (id) on delete cascade,
  kind layer_kind not null,
  model text not null,
  artifact_uri text not null check (artifact_uri like 's3://%'),
  artifact_sha256 bytea not null check (length(artifact_sha256) = 32),
  created_at timestamptz not null default now(),
  unique (transcript_id, kind, model)
);

create table ai_layer_segments (
  layer_id bigint not null references ai_layers (id) on delete cascade,
  segment_id bigint not null references segments (id) on delete cascade,
  label text not null check (label <> ''),
  score real not null check (score between 0 and 1),
  primary key (layer_id, segment_id, label)
);

create index ai_layer_segments_segment on ai_layer_segments (segment_id);

create table processing_jobs (
  id bigint generated always as identity primary key,
  video_id bigint not null references videos (id) on delete cascade,
  kind job_kind not null,
  state job_state not null default 'queued',
  attempt integer not null default 1 check (attempt > 0),
  queued_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  error text,
  constraint processing_jobs_started check ((started_at is null) = (state = 'queued')),
  constraint processing_jobs_finished check ((finished_at is not null) = (state in ('succeeded', 'failed'))),
  constraint processing_jobs_failure_has_reason check ((error is not null) = (state = 'failed'))
);

create index processing_jobs_video on processing_jobs (video_id);
create index processing_jobs_open on processing_jobs (queued_at) where state in ('queued', 'running');

comment on table ai_layers is 'Where the output of a model about a transcript lies; the output itself is not in the database.';
comment on table ai_layer_segments is 'Which segments a layer speaks about.';
comment on table processing_jobs is 'What the pipeline was asked to do with a video, and how it went.';
