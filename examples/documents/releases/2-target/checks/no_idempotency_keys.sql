-- The keys of repeated requests are gone.
select table_schema, table_name from information_schema.tables where table_name = 'idempotency_keys';
