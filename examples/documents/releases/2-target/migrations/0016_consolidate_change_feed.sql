-- One change feed in place of three parts: a flat table with a cursor, one function, two triggers; nobody is notified.

drop trigger document_events_on_versions on file_versions;
drop trigger document_events_on_files on files;
drop trigger notify_document_events on document_events;
drop function add_version_event();
drop function add_document_event();
drop function notify_document_event();
drop table document_events;

create table document_changes (
  cursor bigint generated always as identity primary key,
  workspace_id uuid not null,
  document_id uuid not null,
  change text not null check (change in ('upsert', 'delete')),
  changed_at timestamptz not null default clock_timestamp()
);

create index document_changes_of_workspace on document_changes (workspace_id, cursor);
comment on table document_changes is 'What changed, in order; a reader keeps the last cursor it has seen, and fetches the document itself.';

create function record_document_change() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_table_name = 'file_versions' then
    insert into public.document_changes (workspace_id, document_id, change)
    select f.workspace_id, f.id, 'upsert' from public.files f where f.id = new.file_id;
    return new;
  end if;
  if tg_op = 'DELETE' then
    insert into public.document_changes (workspace_id, document_id, change) values (old.workspace_id, old.id, 'delete');
    return old;
  end if;
  insert into public.document_changes (workspace_id, document_id, change)
  values (new.workspace_id, new.id, case when new.deleted_at is null then 'upsert' else 'delete' end);
  return new;
end
$$;

create trigger record_file_change
after insert or update or delete on files
for each row execute function record_document_change();

create trigger record_version_change
after insert or update on file_versions
for each row execute function record_document_change();
