-- rehearsal: idempotent
-- The write model, refused here and not by manners: as every role, in every mode of a session.
-- What is working material while a job is active is frozen when it is archived; from then on only a prune takes it away.
-- Guards that look at the job lock it (FOR SHARE), so that nothing slips in while it is being archived, and look with the
-- owner's eyes, so that who may not read jobs is not thereby let through.

-- True in a transaction in which Rehearsal does that and has written so; false where Rehearsal keeps nothing yet.
create or replace function rehearsal_acts(variadic kinds text[]) returns boolean language plpgsql stable
set search_path = pg_catalog, pg_temp as $$
declare
  kind text;
begin
  if to_regprocedure('rehearsal.is_acting(text)') is null then
    return false;
  end if;
  foreach kind in array kinds loop
    if rehearsal.is_acting(kind) then
      return true;
    end if;
  end loop;
  return false;
end
$$;

create or replace function refuse_truncate() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception '% is never emptied', tg_table_name
    using errcode = 'restrict_violation', hint = 'the record stays, and working material goes by a prune after its job is archived';
end
$$;

-- jobs: never deleted; what an archived one is called and whose it is stays, and it stays archived.
create or replace function guard_job() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'job % is kept for good', old.reference
      using errcode = 'restrict_violation', hint = 'a job that came to nothing is cancelled';
  end if;
  if (new.reference, new.status, new.archived_at, new.customer_id, new.opened_at)
    is distinct from (old.reference, old.status, old.archived_at, old.customer_id, old.opened_at) then
    raise exception 'job % is archived, and stays what it was', old.reference
      using errcode = 'restrict_violation', hint = 'what was wrong about it goes into its correction';
  end if;
  return new;
end
$$;

create or replace trigger guard_deleted_job before delete on jobs for each row execute function guard_job();
create or replace trigger guard_archived_job before update on jobs
for each row when (old.status = 'archived') execute function guard_job();

-- An archived job has its final. Asked at COMMIT, so that both may come in one transaction, in either order.
create or replace function require_final() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (
    select from public.job_finals f
    where f.job_id = new.id and f.kind = 'final'
      and f.payload_sha256 = encode(sha256(convert_to(f.payload::text, 'UTF8')), 'hex')
  ) then
    raise exception 'job % is archived without an intact final', new.reference
      using errcode = 'check_violation', hint = 'write its final in the same transaction';
  end if;
  return null;
end
$$;

-- A constraint trigger knows no OR REPLACE.
do $$
begin
  if not exists (select from pg_catalog.pg_trigger where tgrelid = 'public.jobs'::regclass and tgname = 'archived_jobs_have_finals') then
    create constraint trigger archived_jobs_have_finals
    after insert or update of status on public.jobs deferrable initially deferred
    for each row when (new.status = 'archived') execute function public.require_final();
  end if;
end
$$;

-- Who archives a job tells the policy, in the same transaction. What an import brings was archived long ago: a sweep finds it.
create or replace function tell_archived() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
  if to_regprocedure('rehearsal.record_archived(text,text)') is not null and not public.rehearsal_acts('import') then
    perform rehearsal.record_archived('jobs', new.id::text);
  end if;
  return null;
end
$$;

create or replace trigger tell_inserted_archived after insert on jobs
for each row when (new.status = 'archived') execute function tell_archived();
create or replace trigger tell_archived after update of status on jobs
for each row when (new.status = 'archived' and old.status <> 'archived') execute function tell_archived();

-- job_rounds: while the job is active they change; once it is archived a prune deletes them, and puts them back.
create or replace function guard_round() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
  archived text[];
begin
  archived := array(
    select case when j.status = 'archived' then j.reference end from public.jobs j
    where j.id in (case when tg_op <> 'INSERT' then old.job_id end, case when tg_op <> 'DELETE' then new.job_id end)
    order by j.id for share
  );
  archived := array_remove(archived, null);
  if cardinality(archived) = 0
    or (tg_op = 'DELETE' and public.rehearsal_acts('prune'))
    or (tg_op = 'INSERT' and public.rehearsal_acts('prune-restore', 'import')) then
    return case when tg_op = 'DELETE' then old else new end;
  end if;
  raise exception 'job % is archived, and its rounds are closed', archived[1]
    using errcode = 'restrict_violation', hint = 'what was wrong goes into its correction; rounds go by a prune alone';
end
$$;

create or replace trigger guard_round before insert or update or delete on job_rounds for each row execute function guard_round();

-- Uploaded media: never another, and gone only by a prune of an archived job.
create or replace function guard_media() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
  archived boolean;
begin
  if tg_op = 'UPDATE' then
    raise exception 'uploaded media do not change: %', old.reference
      using errcode = 'restrict_violation', hint = 'upload what is right as media of its own';
  end if;
  select j.status = 'archived' into archived
  from public.job_rounds r join public.jobs j on j.id = r.job_id
  where r.id = case when tg_op = 'DELETE' then old.round_id else new.round_id end
  for share of j;
  if tg_op = 'DELETE' then
    if archived and public.rehearsal_acts('prune') then
      return old;
    end if;
    raise exception 'uploaded media are not deleted: %', old.reference
      using errcode = 'restrict_violation', hint = 'a prune takes them when the job is archived and nothing that stays needs them';
  end if;
  if archived and not public.rehearsal_acts('prune-restore', 'import') then
    raise exception 'the job of round % is archived, and takes no more media', new.round_id
      using errcode = 'restrict_violation', hint = 'media that a prune took come back by "rehearsal prune restore"';
  end if;
  return new;
end
$$;

create or replace trigger guard_media before insert or update or delete on round_recordings for each row execute function guard_media();
create or replace trigger guard_media before insert or update or delete on round_images for each row execute function guard_media();

-- job_finals: a final is what it is; the correction may be written anew, and is no other job's.
create or replace function guard_final() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'the % of job % is kept for good', old.kind, (select reference from public.jobs where id = old.job_id)
      using errcode = 'restrict_violation', hint = 'a record is corrected, not deleted: write its correction';
  end if;
  if old.kind = 'final' then
    raise exception 'the final of job % does not change', (select reference from public.jobs where id = old.job_id)
      using errcode = 'restrict_violation', hint = 'write the correction of this job: a row of job_finals with kind correction';
  end if;
  if (new.id, new.job_id, new.kind) is distinct from (old.id, old.job_id, old.kind) then
    raise exception 'the correction of job % stays its correction', (select reference from public.jobs where id = old.job_id)
      using errcode = 'restrict_violation', hint = 'change its payload; another job has a correction of its own';
  end if;
  return new;
end
$$;

create or replace trigger guard_final before update or delete on job_finals for each row execute function guard_final();

-- Artifacts: an output changes by regeneration, at its known path; manifests and reviews are working material.
create or replace function guard_artifact() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
  archived boolean;
begin
  if tg_op <> 'INSERT' and old.retained then
    if tg_op = 'UPDATE' and public.rehearsal_acts('regenerate')
      and (new.id, new.reference, new.job_id, new.round_id, new.kind, new.storage_key, new.retained)
        is not distinct from (old.id, old.reference, old.job_id, old.round_id, old.kind, old.storage_key, old.retained) then
      return new;
    end if;
    raise exception 'artifact % is an output, and changes by regeneration alone', old.reference
      using errcode = 'restrict_violation', hint = 'correct the payload, then run "rehearsal reporting regenerate"; outputs are never deleted';
  end if;
  if tg_op = 'UPDATE' and (new.job_id, new.retained) is distinct from (old.job_id, old.retained) then
    raise exception 'artifact % stays its job''s, and what it is', old.reference
      using errcode = 'restrict_violation', hint = 'add an artifact of its own';
  end if;
  select j.status = 'archived' into archived from public.jobs j
  where j.id = case when tg_op = 'DELETE' then old.job_id else new.job_id end
  for share;
  if not coalesce(archived, false)
    or (tg_op = 'DELETE' and public.rehearsal_acts('prune'))
    or (tg_op = 'INSERT' and public.rehearsal_acts('regenerate', 'prune-restore', 'import')) then
    return case when tg_op = 'DELETE' then old else new end;
  end if;
  raise exception 'artifact % is of an archived job', case when tg_op = 'INSERT' then new.reference else old.reference end
    using errcode = 'restrict_violation',
      hint = 'outputs come by regeneration; manifests and reviews go by a prune alone';
end
$$;

create or replace trigger guard_artifact before insert or update or delete on artifacts for each row execute function guard_artifact();

-- job_events: only ever added to.
create or replace function guard_event() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'event % has happened', old.id
    using errcode = 'restrict_violation', hint = 'events are added, never changed or deleted';
end
$$;

create or replace trigger guard_event before update or delete on job_events for each row execute function guard_event();

create or replace trigger refuse_truncate before truncate on jobs for each statement execute function refuse_truncate();
create or replace trigger refuse_truncate before truncate on job_rounds for each statement execute function refuse_truncate();
create or replace trigger refuse_truncate before truncate on round_recordings for each statement execute function refuse_truncate();
create or replace trigger refuse_truncate before truncate on round_images for each statement execute function refuse_truncate();
create or replace trigger refuse_truncate before truncate on job_finals for each statement execute function refuse_truncate();
create or replace trigger refuse_truncate before truncate on artifacts for each statement execute function refuse_truncate();
create or replace trigger refuse_truncate before truncate on job_events for each statement execute function refuse_truncate();

alter table jobs enable always trigger guard_deleted_job;
alter table jobs enable always trigger guard_archived_job;
alter table jobs enable always trigger archived_jobs_have_finals;
alter table jobs enable always trigger tell_inserted_archived;
alter table jobs enable always trigger tell_archived;
alter table jobs enable always trigger refuse_truncate;
alter table job_rounds enable always trigger guard_round;
alter table job_rounds enable always trigger refuse_truncate;
alter table round_recordings enable always trigger guard_media;
alter table round_recordings enable always trigger refuse_truncate;
alter table round_images enable always trigger guard_media;
alter table round_images enable always trigger refuse_truncate;
alter table job_finals enable always trigger guard_final;
alter table job_finals enable always trigger refuse_truncate;
alter table artifacts enable always trigger guard_artifact;
alter table artifacts enable always trigger refuse_truncate;
alter table job_events enable always trigger guard_event;
alter table job_events enable always trigger refuse_truncate;
