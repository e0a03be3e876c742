-- rehearsal: no-transaction
-- rehearsal: idempotent
create index concurrently if not exists customers_name_key on public.customers (name_key);
