-- No model changes without the feed being told, whoever changes it and in whatever mode of a session.
select c.relname as what, 'is not followed' as says
from pg_catalog.pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'changes'
  and (
    select count(*) from pg_catalog.pg_trigger t
    where t.tgrelid = c.oid and t.tgenabled = 'A' and t.tgname in ('_record_change', '_record_truncate')
  ) <> 2;
