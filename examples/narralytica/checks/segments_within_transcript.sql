-- No segment ends after its transcript does.
select s.id, s.end_ms, t.duration_ms
from segments s
join transcripts t on t.id = s.transcript_id
where s.end_ms > t.duration_ms;
