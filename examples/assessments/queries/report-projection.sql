-- What a report says of each archived job, read from its correction, or else its final, alone.
-- rehearsal: limit 100000
-- rehearsal: parameter condition text optional: only sites in this condition
select p.reference, p.kind, p.payload->>'legacyId' as legacy_id, (p.payload->>'assessedAt')::timestamptz as assessed_at,
  p.payload->'customer'->>'reference' as customer, p.payload->'operator'->>'reference' as operator,
  p.payload->'form'->>'purpose' as purpose, p.payload->'form'->>'condition' as condition,
  (p.payload->'form'->>'score')::int as score, (p.payload->'form'->>'areaM2')::numeric(10, 2) as area_m2,
  jsonb_array_length(p.payload->'findings') as findings,
  (select count(*) from jsonb_array_elements(p.payload->'findings') f where f.value->>'severity' = 'critical') as critical,
  (p.payload->'site'->>'longitude')::numeric(9, 6) as longitude, (p.payload->'site'->>'latitude')::numeric(8, 6) as latitude
from (
  select distinct on (f.job_id) f.payload->>'reference' as reference, f.kind, f.payload
  from public.job_finals f
  order by f.job_id, f.kind
) p
where :condition is null or p.payload->'form'->>'condition' = :condition
order by p.reference
