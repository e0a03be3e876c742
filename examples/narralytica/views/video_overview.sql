-- One row per video with its final transcript: what the library page lists.

create or replace view video_overview as
select
  v.id,
  v.external_id,
  v.title,
  v.language,
  v.duration_ms,
  v.published_at,
  t.id as transcript_id,
  (select count(*) from segments s where s.transcript_id = t.id) as segments,
  (select count(distinct s.speaker_id) from segments s where s.transcript_id = t.id) as speakers
from videos v
left join transcripts t on t.video_id = v.id and t.status = 'final';

comment on view video_overview is 'Videos with their final transcript, for lists.';
