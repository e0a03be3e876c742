-- The columns that were dropped or renamed are there under no old name.
select table_name, column_name
from information_schema.columns
where table_schema = 'public'
  and (table_name, column_name) in (
    ('files', 'version'), ('files', 'doc_no'), ('files', 'expires_at'), ('files', 'parent_file_id'),
    ('file_versions', 'blob_version_id')
  );
