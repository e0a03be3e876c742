-- A correction corrects something: its job has a final.
select c.job_id
from job_finals c
where c.kind = 'correction' and not exists (select from job_finals f where f.job_id = c.job_id and f.kind = 'final');
