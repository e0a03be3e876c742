-- What was uploaded for a job, round by round, and what came of it.
-- rehearsal: parameter job text: the job, by its reference
select r.number as round, 'recording' as kind, m.reference, m.storage_key, m.content_type, m.size_bytes, m.sha256, m.recorded_at as at
from public.jobs j join public.job_rounds r on r.job_id = j.id join public.round_recordings m on m.round_id = r.id
where j.reference = :job
union all
select r.number, 'image', m.reference, m.storage_key, m.content_type, m.size_bytes, m.sha256, m.taken_at
from public.jobs j join public.job_rounds r on r.job_id = j.id join public.round_images m on m.round_id = r.id
where j.reference = :job
union all
select r.number, a.kind, a.reference, a.storage_key, a.content_type, a.size_bytes, a.sha256, a.made_at
from public.jobs j join public.artifacts a on a.job_id = j.id left join public.job_rounds r on r.id = a.round_id
where j.reference = :job
order by 1 nulls last, 2, 3
