-- One row for each finding of the current record.
select p.payload->>'reference' as reference, f.number, f.value->>'code' as code, f.value->>'severity' as severity, f.value->>'note' as note
from (
  select distinct on (s.job_id) s.payload from public.job_finals s order by s.job_id, s.kind
) p
cross join jsonb_array_elements(p.payload->'findings') with ordinality f (value, number)
