-- The record of each archived job as it counts now: its correction, or else its final.
create or replace view current_finals as
select distinct on (f.job_id) f.job_id, f.kind, f.payload, f.payload_sha256, f.made_at
from job_finals f
order by f.job_id, f.kind;
