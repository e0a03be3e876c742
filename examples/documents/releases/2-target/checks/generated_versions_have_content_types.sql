-- Of every generated version it is known what it is.
select id, file_id from file_versions where origin = 'generated' and content_type is null;
