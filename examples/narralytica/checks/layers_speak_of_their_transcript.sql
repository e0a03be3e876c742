-- A layer refers only to segments of its own transcript.
select r.layer_id, r.segment_id
from ai_layer_segments r
join ai_layers l on l.id = r.layer_id
join segments s on s.id = r.segment_id
where s.transcript_id <> l.transcript_id;
