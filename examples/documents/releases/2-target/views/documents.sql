-- Files under the name that everybody else has for them, each with its newest version.
create or replace view documents as
select f.id, f.workspace_id, f.kind, f.name, f.source_file_id, f.created_at, f.updated_at,
  v.version_no, v.content_type, v.byte_size
from files f
left join lateral (
  select version_no, content_type, byte_size from file_versions where file_id = f.id order by version_no desc limit 1
) v on true
where f.deleted_at is null;
