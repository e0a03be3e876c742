-- rehearsal: idempotent
-- What lists and look-ups need without reading payloads: a customer's name but for case and blanks, and when a job was assessed.
-- Readers of the payload find its form unchanged: job_finals gets a trigger, and its rows stay as they are.

alter table jobs add column if not exists assessed_at timestamptz;
alter table customers add column if not exists name_key text;

create or replace function name_key(name text) returns text language sql immutable strict
set search_path = pg_catalog, pg_temp
return lower(regexp_replace(btrim(name), '\s+', ' ', 'g'));

create or replace function set_name_key() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.name_key := public.name_key(new.name);
  return new;
end
$$;

create or replace trigger set_name_key before insert or update of name on customers
for each row execute function set_name_key();

-- The correction tells the time where there is one; a final that comes later than it does not.
create or replace function follow_assessment() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
  update public.jobs j set assessed_at = (new.payload->>'assessedAt')::timestamptz
  where j.id = new.job_id
    and (new.kind = 'correction'
      or not exists (select from public.job_finals c where c.job_id = new.job_id and c.kind = 'correction'));
  return null;
end
$$;

create or replace trigger follow_assessment after insert or update of payload on job_finals
for each row execute function follow_assessment();

alter table customers enable always trigger set_name_key;
alter table job_finals enable always trigger follow_assessment;
