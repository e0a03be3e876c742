-- A job was assessed when its correction, or else its final, says so.
select j.reference
from jobs j join current_finals f on f.job_id = j.id
where j.assessed_at is distinct from (f.payload->>'assessedAt')::timestamptz;
