-- rehearsal: idempotent
-- What was uploaded in a round. The bytes lie under media/ of the bucket; a row says which they are.

create table if not exists round_recordings (
  id bigint generated always as identity primary key,
  reference text not null unique check (reference <> ''),
  round_id bigint not null references job_rounds,
  storage_key text not null unique check (storage_key like 'media/_%'),
  content_type text not null,
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  size_bytes bigint not null check (size_bytes >= 0),
  duration_ms int check (duration_ms >= 0),
  recorded_at timestamptz
);

create index if not exists round_recordings_round on round_recordings (round_id);

create table if not exists round_images (
  id bigint generated always as identity primary key,
  reference text not null unique check (reference <> ''),
  round_id bigint not null references job_rounds,
  storage_key text not null unique check (storage_key like 'media/_%'),
  content_type text not null,
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  size_bytes bigint not null check (size_bytes >= 0),
  width int check (width > 0),
  height int check (height > 0),
  taken_at timestamptz
);

create index if not exists round_images_round on round_images (round_id);
