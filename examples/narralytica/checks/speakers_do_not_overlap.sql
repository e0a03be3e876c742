-- Nobody speaks twice at the same time.
select transcript_id, speaker_id, id, start_ms, previous_end_ms
from (
  select s.*, max(end_ms) over (
    partition by transcript_id, speaker_id order by start_ms, id rows between unbounded preceding and 1 preceding
  ) as previous_end_ms
  from segments s
  where speaker_id is not null
) spoken
where start_ms < previous_end_ms;
