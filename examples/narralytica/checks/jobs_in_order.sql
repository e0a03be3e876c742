-- A job is queued, then started, then finished.
select id, queued_at, started_at, finished_at
from processing_jobs
where started_at < queued_at or finished_at < started_at;
