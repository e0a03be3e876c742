-- Calls two columns what they are, and forgets the numbers that stood in for versions the store never gave.

alter table files rename column parent_file_id to source_file_id;
alter table files rename constraint outputs_have_a_parent to outputs_have_a_source;
alter index files_parent rename to files_source;

alter table file_versions rename column blob_version_id to storage_version_id;
alter table file_versions alter column storage_version_id drop not null;
update file_versions set storage_version_id = null where storage_version_id ~ '^local-[0-9]+$';
comment on column file_versions.storage_version_id is 'The version that the store gave the blob; null where it gave none.';
