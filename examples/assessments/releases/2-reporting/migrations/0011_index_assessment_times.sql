-- rehearsal: no-transaction
-- rehearsal: idempotent
create index concurrently if not exists jobs_assessed on public.jobs (assessed_at);
