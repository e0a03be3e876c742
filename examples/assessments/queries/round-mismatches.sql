-- Where rounds and finals disagree: rounds that a final names and nobody has, more or fewer than the old record counted, accepted ones that no final names. What a prune took is no mismatch.
-- rehearsal: parameter kind text optional: unknown, counted or unnamed
with named as (
  select f.job_id, f.kind, r.value->>'reference' as reference
  from public.job_finals f cross join jsonb_array_elements(f.payload->'rounds') r
),
mismatches as (
  select n.job_id, 'unknown' as kind, format('the %s names the round %s', n.kind, n.reference) as says
  from named n
  where not exists (select from public.job_rounds r where r.reference = n.reference)
  union all
  select j.id, 'counted', format('the record counts %s, and there are %s', j.rounds_declared, count(r.id))
  from public.jobs j left join public.job_rounds r on r.job_id = j.id
  where j.rounds_declared is not null
    and not exists (select from public.job_events e where e.job_id = j.id and e.kind = 'pruned')
  group by j.id having count(r.id) <> j.rounds_declared
  union all
  select r.job_id, 'unnamed', format('the round %s is accepted, and no final names it', r.reference)
  from public.job_rounds r join public.jobs j on j.id = r.job_id and j.status = 'archived'
  where r.status = 'accepted' and not exists (select from named n where n.job_id = r.job_id and n.reference = r.reference)
)
select j.reference, m.kind, m.says
from mismatches m join public.jobs j on j.id = m.job_id
where :kind is null or m.kind = :kind
order by j.reference, m.kind, m.says
