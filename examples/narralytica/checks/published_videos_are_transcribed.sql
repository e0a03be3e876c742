-- A published video has a final transcript.
select v.id, v.external_id
from videos v
where v.published_at is not null
  and not exists (select from transcripts t where t.video_id = v.id and t.status = 'final');
