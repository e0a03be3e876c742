-- One row for each archived job, from its correction, or else its final.
select p.payload->>'reference' as reference, p.kind, (p.payload->>'legacyId')::bigint as legacy_id,
  (p.payload->>'assessedAt')::timestamptz as assessed_at,
  p.payload->'customer'->>'reference' as customer, c.name as customer_name,
  p.payload->'operator'->>'reference' as operator, p.payload->'form'->>'purpose' as purpose,
  p.payload->'form'->>'condition' as condition, (p.payload->'form'->>'score')::bigint as score,
  (p.payload->'form'->>'areaM2')::numeric(10, 2) as area_m2, jsonb_array_length(p.payload->'findings')::bigint as findings,
  p.payload->'site'->>'address' as address, (p.payload->'site'->>'longitude')::numeric(9, 6) as longitude,
  (p.payload->'site'->>'latitude')::numeric(8, 6) as latitude, p.payload_sha256
from (
  select distinct on (f.job_id) f.job_id, f.kind, f.payload, f.payload_sha256
  from public.job_finals f
  order by f.job_id, f.kind
) p
join public.jobs j on j.id = p.job_id
join public.customers c on c.id = j.customer_id
