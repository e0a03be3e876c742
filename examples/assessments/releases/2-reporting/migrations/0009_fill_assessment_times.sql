-- Jobs that were archived before: when they were assessed, by the correction, or else the final. Payloads are only read.
-- rehearsal: batch table=public.jobs key=id size=2000
-- rehearsal: idempotent

update public.jobs
set assessed_at = (
  select (f.payload->>'assessedAt')::timestamptz from public.job_finals f where f.job_id = jobs.id order by f.kind limit 1
)
where status = 'archived' and assessed_at is null;
