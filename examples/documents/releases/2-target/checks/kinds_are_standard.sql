-- A file is an input, an output, a log or an export, and there are no other kinds.
select found.kinds
from (
  select array_agg(enumlabel::text order by enumlabel::text) as kinds
  from pg_catalog.pg_enum
  where enumtypid = 'public.file_kind'::pg_catalog.regtype
) found
where found.kinds is distinct from array['export', 'input', 'log', 'output'];
