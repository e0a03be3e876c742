-- Customers, billing profiles and operators as they are stored once, with how many jobs lean on each; those whose names are the same but for case and blanks stand together.
-- rehearsal: parameter twice boolean = false: only those that seem to stand there twice
select e.kind, e.name_key, e.reference, e.name, e.jobs, e.same_name
from (
  select n.kind, n.name_key, n.reference, n.name, n.jobs, count(*) over (partition by n.kind, n.name_key) as same_name
  from (
    select 'customer' as kind, c.name_key, c.reference, c.name,
      (select count(*) from public.jobs j where j.customer_id = c.id) as jobs
    from public.customers c
    union all
    select 'billing profile', public.name_key(b.name), b.reference, b.name,
      (select count(*) from public.jobs j where j.billing_profile_id = b.id)
    from public.billing_profiles b
    union all
    select 'operator', public.name_key(o.name), o.reference, o.name,
      (select count(*) from public.jobs j where j.operator_id = o.id)
    from public.operators o
  ) n
) e
where not :twice or e.same_name > 1
order by e.kind, e.name_key, e.reference
