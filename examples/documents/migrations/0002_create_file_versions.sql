-- The versions of a file, each one a blob in the store.

create type version_origin as enum ('uploaded', 'generated');

create table file_versions (
  id bigint generated always as identity primary key,
  file_id uuid not null references files (id) on delete cascade,
  version_no integer not null check (version_no > 0),
  origin version_origin not null,
  run_id uuid,
  blob_version_id text not null,
  content_type text,
  byte_size bigint not null check (byte_size >= 0),
  sha256 bytea not null check (octet_length(sha256) = 32),
  created_at timestamptz not null default now(),
  unique (file_id, version_no)
);

comment on column file_versions.blob_version_id is 'The version that the store gave the blob; local-N where it gave none.';
