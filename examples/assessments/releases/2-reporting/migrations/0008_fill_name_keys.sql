-- Customers that were there before: their name, but for case and blanks.
-- rehearsal: batch table=public.customers key=id size=2000
-- rehearsal: idempotent

update public.customers set name_key = public.name_key(name) where name_key is null;
