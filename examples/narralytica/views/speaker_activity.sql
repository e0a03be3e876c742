-- How much each speaker is heard in final transcripts.

create or replace view speaker_activity as
select
  p.id,
  p.slug,
  p.display_name,
  count(s.id) as segments,
  coalesce(sum(s.end_ms - s.start_ms), 0) as spoken_ms
from speakers p
left join (segments s join transcripts t on t.id = s.transcript_id and t.status = 'final') on s.speaker_id = p.id
group by p.id;

comment on view speaker_activity is 'Speaking time by speaker, in milliseconds.';
