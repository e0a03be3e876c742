-- Archived jobs with their final, and their correction where there is one; the newest first.
-- rehearsal: limit 100000
-- rehearsal: parameter customer text optional: only this customer's, by reference
-- rehearsal: parameter since date = 2000-01-01: archived since then
-- rehearsal: parameter corrected boolean optional: only those with a correction, or only those without
select j.reference, c.reference as customer, j.archived_at, f.payload->>'assessedAt' as assessed_at,
  f.payload->'form'->>'condition' as condition, f.payload_sha256 as final_sha256,
  k.payload_sha256 as correction_sha256, k.made_at as corrected_at
from public.jobs j
join public.customers c on c.id = j.customer_id
join public.job_finals f on f.job_id = j.id and f.kind = 'final'
left join public.job_finals k on k.job_id = j.id and k.kind = 'correction'
where j.status = 'archived' and j.archived_at >= :since and (:customer is null or c.reference = :customer)
  and (:corrected is null or (k.id is not null) = :corrected)
order by j.archived_at desc, j.reference
