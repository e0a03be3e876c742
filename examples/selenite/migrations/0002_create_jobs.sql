-- rehearsal: idempotent
-- Transcription jobs with their progress, and the files that they produced.

create table if not exists jobs (
  id uuid primary key,
  user_id bigint not null references users,
  original_filename text not null,
  media_path text not null,
  media_bytes bigint not null check (media_bytes > 0),
  duration_seconds numeric(10, 3) check (duration_seconds > 0),
  status text not null default 'queued' check (status in ('queued', 'processing', 'completed', 'failed', 'cancelled')),
  progress_percent smallint not null default 0 check (progress_percent between 0 and 100),
  model_used text,
  language_detected text,
  error_message text,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  completed_at timestamptz
);

create index if not exists jobs_user on jobs (user_id);
create index if not exists jobs_unfinished on jobs (created_at) where status in ('queued', 'processing');

create table if not exists transcripts (
  id bigint generated always as identity primary key,
  job_id uuid not null references jobs on delete cascade,
  format text not null check (format in ('txt', 'srt', 'vtt', 'json', 'docx', 'md')),
  file_path text not null,
  file_bytes bigint not null check (file_bytes >= 0),
  created_at timestamptz not null default now(),
  unique (job_id, format)
);
