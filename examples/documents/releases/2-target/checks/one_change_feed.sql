-- Changes are recorded by one function; nothing of the old feed is left, and nobody is notified.
select p.proname as found
from pg_catalog.pg_proc p
where p.pronamespace = 'public'::pg_catalog.regnamespace
  and p.prokind = 'f'
  and (p.proname in ('add_document_event', 'notify_document_event', 'add_version_event') or p.prosrc ~* 'pg_notify')
union all
select t.tgname
from pg_catalog.pg_trigger t
join pg_catalog.pg_class c on c.oid = t.tgrelid
where c.relnamespace = 'public'::pg_catalog.regnamespace
  and not t.tgisinternal
  and t.tgfoid <> 'public.record_document_change'::pg_catalog.regproc;
