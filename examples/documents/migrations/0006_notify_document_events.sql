-- The second part of the change feed: whoever listens is told of every event.

create function notify_document_event() returns trigger language plpgsql as $$
begin
  perform pg_notify('document_events', json_build_object('id', new.id, 'document', new.document_id, 'event', new.event)::text);
  return new;
end
$$;

create trigger notify_document_events
after insert on document_events
for each row execute function notify_document_event();
