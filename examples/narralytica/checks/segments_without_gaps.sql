-- Ordinals run from 1 without gaps.
select transcript_id, count(*) as segments, max(ordinal) as last
from segments
group by transcript_id
having count(*) <> max(ordinal);
