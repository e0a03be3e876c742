-- An archived job has its final, and every payload is what its checksum says.
select j.reference
from jobs j
where j.status = 'archived' and not exists (select from job_finals f where f.job_id = j.id and f.kind = 'final')
union all
select j.reference
from job_finals f join jobs j on j.id = f.job_id
where f.payload_sha256 <> encode(sha256(convert_to(f.payload::text, 'UTF8')), 'hex');
