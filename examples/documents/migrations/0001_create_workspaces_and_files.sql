-- Workspaces, and the files in them: what people upload, and what runs make of it.

create table workspaces (
  id uuid primary key,
  name text not null,
  created_at timestamptz not null default now()
);

create type file_kind as enum ('document', 'output');

create table files (
  id uuid primary key,
  workspace_id uuid not null references workspaces (id) on delete cascade,
  kind file_kind not null,
  doc_no integer,
  name text not null,
  name_key text not null,
  parent_file_id uuid references files (id),
  version integer not null default 1,
  attributes jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  expires_at timestamptz,
  constraint files_workspace_doc_no unique (workspace_id, doc_no),
  constraint files_workspace_name_key unique (workspace_id, name_key),
  constraint outputs_have_a_parent check (kind <> 'output' or parent_file_id is not null)
);

create index files_parent on files (parent_file_id) where parent_file_id is not null;

comment on table files is 'Called documents everywhere but here.';
comment on column files.name_key is 'What makes a name unique in its workspace.';
