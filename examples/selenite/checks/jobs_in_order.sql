-- A job is created, then started, then completed; only a completed one is at 100 percent.
select id, status, progress_percent, created_at, started_at, completed_at
from jobs
where started_at < created_at or completed_at < started_at
  or (status = 'completed') is distinct from (completed_at is not null)
  or (status = 'completed' and progress_percent <> 100);
