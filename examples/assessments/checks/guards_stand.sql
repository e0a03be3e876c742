-- Every guard fires in every session: none was disabled, and none rests while a replica is replayed.
select c.relname, t.tgname, t.tgenabled
from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
where c.relnamespace = 'public'::regnamespace and not t.tgisinternal and t.tgenabled <> 'A';
