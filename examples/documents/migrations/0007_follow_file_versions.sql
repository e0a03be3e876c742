-- The third part of the change feed: events of versions too, with their number.

alter table document_events add column version_no integer;

create function add_version_event() returns trigger language plpgsql as $$
begin
  insert into document_events (workspace_id, document_id, event, version_no)
  select f.workspace_id, f.id, 'version', new.version_no from files f where f.id = new.file_id;
  return new;
end
$$;

create trigger document_events_on_versions
after insert on file_versions
for each row execute function add_version_event();
