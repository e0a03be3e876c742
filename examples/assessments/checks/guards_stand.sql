-- Every guard stands as it was written, and fires in every session: none is gone, hollow, disabled or resting while a replica is replayed.
-- Whoever changes one changes its checksum here, where a reviewer sees it.
with bodies (function, source) as (values
  ('guard_artifact', 'afa34aae487f7f959cf74ed2e001dc22'),
  ('guard_event', '0d8acfc588cef534dfb60971fdd541e4'),
  ('guard_final', '7d9793819c4cfe92ce1fa5698a11c5fb'),
  ('guard_job', '7f6332d0c94b091e1641bb5acd86ca2f'),
  ('guard_media', '1d7d0c839966c5451efe3e659939e132'),
  ('guard_round', '33b65111102f6bcfa901b8494d1a32fa'),
  ('note_changes', '2fc29e4ec8f88b3142707f4cdaad71e5'),
  ('refuse_truncate', 'd5b4a50a8148f6c721047bd02a078c2f'),
  ('rehearsal_acts', 'b4f18359decf2d7ea9d357e2e99d030e'),
  ('require_final', '1760003ef7625368eb59032030af8658'),
  ('seal_final', 'bf3af93003990c4d77e80f1a10724bbe'),
  ('tell_archived', '79dd76c3e1de8173c1c0d7d475d80f0e')
),
guards (relation, trigger, function) as (
  values
  ('jobs', 'archived_jobs_have_finals', 'require_final'),
  ('jobs', 'guard_archived_job', 'guard_job'),
  ('jobs', 'guard_deleted_job', 'guard_job'),
  ('jobs', 'refuse_truncate', 'refuse_truncate'),
  ('jobs', 'tell_archived', 'tell_archived'),
  ('jobs', 'tell_inserted_archived', 'tell_archived'),
  ('job_rounds', 'guard_round', 'guard_round'),
  ('job_rounds', 'refuse_truncate', 'refuse_truncate'),
  ('round_recordings', 'guard_media', 'guard_media'),
  ('round_recordings', 'refuse_truncate', 'refuse_truncate'),
  ('round_images', 'guard_media', 'guard_media'),
  ('round_images', 'refuse_truncate', 'refuse_truncate'),
  ('job_finals', 'guard_final', 'guard_final'),
  ('job_finals', 'refuse_truncate', 'refuse_truncate'),
  ('job_finals', 'seal_final', 'seal_final'),
  ('artifacts', 'guard_artifact', 'guard_artifact'),
  ('artifacts', 'refuse_truncate', 'refuse_truncate'),
  ('job_events', 'guard_event', 'guard_event'),
  ('job_events', 'refuse_truncate', 'refuse_truncate')
  union all
  select relation, 'note_' || what, 'note_changes'
  from unnest(array['customers', 'billing_profiles', 'operators', 'jobs', 'job_rounds', 'round_recordings', 'round_images', 'job_finals', 'artifacts']) relation,
    unnest(array['inserts', 'updates', 'deletes']) what
)
select b.function as what, 'is not what it was' as says
from bodies b left join pg_catalog.pg_proc p on p.pronamespace = 'public'::regnamespace and p.proname = b.function
where p.oid is null or md5(p.prosrc) <> b.source
union all
select g.relation || '.' || g.trigger, 'is gone, or calls something else'
from guards g
where not exists (
  select from pg_catalog.pg_trigger t
    join pg_catalog.pg_class c on c.oid = t.tgrelid and c.relnamespace = 'public'::regnamespace and c.relname = g.relation
    join pg_catalog.pg_proc p on p.oid = t.tgfoid and p.pronamespace = 'public'::regnamespace and p.proname = g.function
  where t.tgname = g.trigger
)
union all
select c.relname || '.' || t.tgname, 'does not fire in every session'
from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
where c.relnamespace = 'public'::regnamespace and not t.tgisinternal and t.tgenabled <> 'A';
