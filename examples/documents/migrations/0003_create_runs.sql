-- Runs: each reads one file and writes its output.

create type run_status as enum ('queued', 'running', 'succeeded', 'failed');

create table runs (
  id uuid primary key,
  workspace_id uuid not null references workspaces (id) on delete cascade,
  input_file_id uuid not null references files (id) on delete cascade,
  output_file_id uuid references files (id) on delete set null,
  status run_status not null default 'queued',
  created_at timestamptz not null default now(),
  finished_at timestamptz
);

create index runs_input on runs (input_file_id);
create index runs_output on runs (output_file_id);
create index runs_workspace on runs (workspace_id);
