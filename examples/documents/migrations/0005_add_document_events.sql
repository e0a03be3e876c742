-- The first of three parts of the change feed: events of files, written by a trigger.

create table document_events (
  id bigint generated always as identity primary key,
  workspace_id uuid not null,
  document_id uuid not null,
  event text not null,
  occurred_at timestamptz not null default clock_timestamp()
);

create index document_events_of_workspace on document_events (workspace_id, id);

create function add_document_event() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    insert into document_events (workspace_id, document_id, event) values (old.workspace_id, old.id, 'deleted');
    return old;
  end if;
  insert into document_events (workspace_id, document_id, event)
  values (new.workspace_id, new.id, case when tg_op = 'INSERT' then 'created' else 'updated' end);
  return new;
end
$$;

create trigger document_events_on_files
after insert or delete or update of name, deleted_at on files
for each row execute function add_document_event();
