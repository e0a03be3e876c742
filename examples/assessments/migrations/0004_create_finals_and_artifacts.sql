-- rehearsal: idempotent
-- The record: one final of a job, and at most one correction, which is the current one. Artifacts are the files that came of it.

create table if not exists job_finals (
  id bigint generated always as identity primary key,
  job_id bigint not null references jobs,
  kind text not null check (kind in ('final', 'correction')),
  payload jsonb not null check (jsonb_typeof(payload) = 'object'),
  -- Of the payload as Postgres prints it; written by the trigger when whoever writes the row leaves it out.
  payload_sha256 text not null,
  made_at timestamptz not null default now(),
  unique (job_id, kind),
  constraint payloads_are_intact
    check (payload_sha256 = encode(sha256(convert_to(payload::text, 'UTF8')), 'hex'))
);

create or replace function seal_final() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if new.payload_sha256 is null
    or (tg_op = 'UPDATE' and new.payload is distinct from old.payload and new.payload_sha256 = old.payload_sha256) then
    new.payload_sha256 := encode(sha256(convert_to(new.payload::text, 'UTF8')), 'hex');
  end if;
  return new;
end
$$;

create or replace trigger seal_final
before insert or update on job_finals
for each row execute function seal_final();

-- Also in sessions that replay for a replica, where triggers otherwise rest.
alter table job_finals enable always trigger seal_final;

create table if not exists artifacts (
  id bigint generated always as identity primary key,
  reference text not null unique check (reference <> ''),
  job_id bigint not null references jobs,
  -- Of manifests and reviews, which are tied to a round.
  round_id bigint references job_rounds,
  kind text not null check (kind in ('pdf', 'docx', 'geojson', 'manifest', 'review')),
  storage_key text not null unique check (storage_key ~ '^(documents|reviews)/.'),
  content_type text not null,
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  size_bytes bigint not null check (size_bytes >= 0),
  -- The outputs are kept for good; manifests and reviews are not.
  retained boolean not null,
  -- Of the payload that it was made from.
  payload_sha256 text,
  made_at timestamptz not null default now(),
  constraint outputs_are_retained check (retained = (kind in ('pdf', 'docx', 'geojson')))
);

create index if not exists artifacts_job on artifacts (job_id);
create index if not exists artifacts_round on artifacts (round_id);
