-- Keys by which a client could say a request again without having it done twice.

create table idempotency_keys (
  workspace_id uuid not null references workspaces (id) on delete cascade,
  key text not null,
  request_sha256 bytea not null,
  response_status integer,
  response_body jsonb,
  created_at timestamptz not null default now(),
  primary key (workspace_id, key)
);
