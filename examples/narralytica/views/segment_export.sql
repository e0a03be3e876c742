-- Segments of final transcripts, flat, as the search index takes them.

create or replace view segment_export as
select
  s.id as segment_id,
  v.external_id as video,
  t.language,
  s.ordinal,
  s.start_ms,
  s.end_ms,
  p.slug as speaker,
  s.body
from segments s
join transcripts t on t.id = s.transcript_id and t.status = 'final'
join videos v on v.id = t.video_id
left join speakers p on p.id = s.speaker_id;

comment on view segment_export is 'What is indexed for search; the index is derived and can be rebuilt from it.';
