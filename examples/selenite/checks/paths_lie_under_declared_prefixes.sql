-- A file that a row speaks of lies where the inventory says that such files lie.
select 'jobs' as "table", media_path as path from jobs where media_path not like 'storage/media/%'
union all
select 'transcripts', file_path from transcripts where file_path not like 'storage/transcripts/%'
union all
select 'model_entries', model_path from model_entries where model_path not like 'backend/models/%';
