-- What a completed job produced can be downloaded.
select j.id
from jobs j
where j.status = 'completed' and not exists (select from transcripts t where t.job_id = j.id);
