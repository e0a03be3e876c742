-- Makes what was said searchable, without stopping writers while the index is built.
-- rehearsal: no-transaction

create index concurrently segments_body_search on segments using gin (to_tsvector('simple', body));
