-- No number of our own stands where the store's version belongs.
select id, storage_version_id from file_versions where storage_version_id ~ '^local-';
