-- rehearsal: idempotent
-- Every change of everything, as it commits: one event for each job that a statement changed, in whatever mode the session is.

create table if not exists job_events (
  id bigint generated always as identity primary key,
  -- Null where a change belongs to no one job: a customer, a billing profile, an operator.
  job_id bigint references jobs,
  kind text not null check (kind <> ''),
  subject text not null default 'jobs',
  actor text not null default session_user,
  detail jsonb not null default '{}',
  -- Of events that came with an import: what they are called there.
  reference text unique,
  at timestamptz not null default clock_timestamp()
);

create index if not exists job_events_job on job_events (job_id);

-- An insertion and a deletion name the rows, an update also what its columns held before; of payloads the checksum is enough.
create or replace function note_changes() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    insert into public.job_events (job_id, kind, subject, detail)
    select coalesce((r->>'job_id')::bigint, case when tg_table_name = 'jobs' then (r->>'id')::bigint end,
        (select o.job_id from public.job_rounds o where o.id = (r->>'round_id')::bigint)) as job,
      'inserted', tg_table_name, jsonb_build_object('ids', jsonb_agg(r->'id' order by (r->>'id')::bigint))
    from (select to_jsonb(n) as r from new_rows n) changed
    group by job;
  elsif tg_op = 'DELETE' then
    insert into public.job_events (job_id, kind, subject, detail)
    select coalesce((r->>'job_id')::bigint, case when tg_table_name = 'jobs' then (r->>'id')::bigint end,
        (select o.job_id from public.job_rounds o where o.id = (r->>'round_id')::bigint)) as job,
      'deleted', tg_table_name, jsonb_build_object('ids', jsonb_agg(r->'id' order by (r->>'id')::bigint),
        'references', jsonb_agg(r->'reference' order by (r->>'id')::bigint))
    from (select to_jsonb(o) as r from old_rows o) changed
    group by job;
  else
    insert into public.job_events (job_id, kind, subject, detail)
    select coalesce((r->>'job_id')::bigint, case when tg_table_name = 'jobs' then (r->>'id')::bigint end,
        (select o.job_id from public.job_rounds o where o.id = (r->>'round_id')::bigint)) as job,
      'updated', tg_table_name,
      jsonb_build_object('ids', jsonb_agg(r->'id' order by (r->>'id')::bigint),
        'before', jsonb_agg(before order by (r->>'id')::bigint))
    from (
      select n as r, (
          select jsonb_object_agg(was.key, was.value) from jsonb_each(o) was where was.value is distinct from n->was.key
        ) as before
      from (
        select to_jsonb(old_row) - 'payload' as o, to_jsonb(new_row) - 'payload' as n
        from old_rows old_row join new_rows new_row using (id)
        offset 0
      ) both_rows
      where o <> n
    ) changed
    group by job;
  end if;
  return null;
end
$$;

-- Nobody hangs it on a table of their own to write events that did not happen.
revoke execute on function note_changes() from public;

create or replace trigger note_inserts after insert on customers referencing new table as new_rows
for each statement execute function note_changes();
create or replace trigger note_updates after update on customers referencing old table as old_rows new table as new_rows
for each statement execute function note_changes();
create or replace trigger note_deletes after delete on customers referencing old table as old_rows
for each statement execute function note_changes();

create or replace trigger note_inserts after insert on billing_profiles referencing new table as new_rows
for each statement execute function note_changes();
create or replace trigger note_updates after update on billing_profiles referencing old table as old_rows new table as new_rows
for each statement execute function note_changes();
create or replace trigger note_deletes after delete on billing_profiles referencing old table as old_rows
for each statement execute function note_changes();

create or replace trigger note_inserts after insert on operators referencing new table as new_rows
for each statement execute function note_changes();
create or replace trigger note_updates after update on operators referencing old table as old_rows new table as new_rows
for each statement execute function note_changes();
create or replace trigger note_deletes after delete on operators referencing old table as old_rows
for each statement execute function note_changes();

create or replace trigger note_inserts after insert on jobs referencing new table as new_rows
for each statement execute function note_changes();
create or replace trigger note_updates after update on jobs referencing old table as old_rows new table as new_rows
for each statement execute function note_changes();
create or replace trigger note_deletes after delete on jobs referencing old table as old_rows
for each statement execute function note_changes();

create or replace trigger note_inserts after insert on job_rounds referencing new table as new_rows
for each statement execute function note_changes();
create or replace trigger note_updates after update on job_rounds referencing old table as old_rows new table as new_rows
for each statement execute function note_changes();
create or replace trigger note_deletes after delete on job_rounds referencing old table as old_rows
for each statement execute function note_changes();

create or replace trigger note_inserts after insert on round_recordings referencing new table as new_rows
for each statement execute function note_changes();
create or replace trigger note_updates after update on round_recordings referencing old table as old_rows new table as new_rows
for each statement execute function note_changes();
create or replace trigger note_deletes after delete on round_recordings referencing old table as old_rows
for each statement execute function note_changes();

create or replace trigger note_inserts after insert on round_images referencing new table as new_rows
for each statement execute function note_changes();
create or replace trigger note_updates after update on round_images referencing old table as old_rows new table as new_rows
for each statement execute function note_changes();
create or replace trigger note_deletes after delete on round_images referencing old table as old_rows
for each statement execute function note_changes();

create or replace trigger note_inserts after insert on job_finals referencing new table as new_rows
for each statement execute function note_changes();
create or replace trigger note_updates after update on job_finals referencing old table as old_rows new table as new_rows
for each statement execute function note_changes();
create or replace trigger note_deletes after delete on job_finals referencing old table as old_rows
for each statement execute function note_changes();

create or replace trigger note_inserts after insert on artifacts referencing new table as new_rows
for each statement execute function note_changes();
create or replace trigger note_updates after update on artifacts referencing old table as old_rows new table as new_rows
for each statement execute function note_changes();
create or replace trigger note_deletes after delete on artifacts referencing old table as old_rows
for each statement execute function note_changes();

-- Also in sessions that replay for a replica, where triggers otherwise rest.
alter table customers enable always trigger note_inserts;
alter table customers enable always trigger note_updates;
alter table customers enable always trigger note_deletes;
alter table billing_profiles enable always trigger note_inserts;
alter table billing_profiles enable always trigger note_updates;
alter table billing_profiles enable always trigger note_deletes;
alter table operators enable always trigger note_inserts;
alter table operators enable always trigger note_updates;
alter table operators enable always trigger note_deletes;
alter table jobs enable always trigger note_inserts;
alter table jobs enable always trigger note_updates;
alter table jobs enable always trigger note_deletes;
alter table job_rounds enable always trigger note_inserts;
alter table job_rounds enable always trigger note_updates;
alter table job_rounds enable always trigger note_deletes;
alter table round_recordings enable always trigger note_inserts;
alter table round_recordings enable always trigger note_updates;
alter table round_recordings enable always trigger note_deletes;
alter table round_images enable always trigger note_inserts;
alter table round_images enable always trigger note_updates;
alter table round_images enable always trigger note_deletes;
alter table job_finals enable always trigger note_inserts;
alter table job_finals enable always trigger note_updates;
alter table job_finals enable always trigger note_deletes;
alter table artifacts enable always trigger note_inserts;
alter table artifacts enable always trigger note_updates;
alter table artifacts enable always trigger note_deletes;
