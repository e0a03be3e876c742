-- Rounds of archived jobs that neither the final nor the correction names, with what hangs on them. What a prune does is said by the policy; this is to look beforehand.
-- rehearsal: parameter days integer = 30: archived at least so many days ago
select j.reference as job, j.archived_at, r.reference as round, r.status,
  (select count(*) from public.round_recordings m where m.round_id = r.id) as recordings,
  (select count(*) from public.round_images m where m.round_id = r.id) as images,
  (select count(*) from public.artifacts a where a.round_id = r.id and not a.retained) as reviews,
  (select coalesce(sum(m.size_bytes), 0) from public.round_recordings m where m.round_id = r.id)
    + (select coalesce(sum(m.size_bytes), 0) from public.round_images m where m.round_id = r.id)
    + (select coalesce(sum(a.size_bytes), 0) from public.artifacts a where a.round_id = r.id and not a.retained) as bytes
from public.jobs j join public.job_rounds r on r.job_id = j.id
where j.status = 'archived' and j.archived_at <= now() - make_interval(days => :days)
  and not exists (
    select from public.job_finals f cross join jsonb_array_elements(f.payload->'rounds') named
    where f.job_id = j.id and named.value->>'reference' = r.reference
  )
order by j.archived_at, j.reference, r.number
