-- Says of every generated version what it is, by the end of its file's name.
-- rehearsal: batch table=public.file_versions key=id size=5000
-- rehearsal: idempotent

update public.file_versions v
set content_type = case lower(substring(f.name from '\.([^.]+)$'))
    when 'csv' then 'text/csv'
    when 'html' then 'text/html'
    when 'json' then 'application/json'
    when 'pdf' then 'application/pdf'
    when 'txt' then 'text/plain'
    when 'xlsx' then 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'
    else 'application/octet-stream'
  end
from public.files f
where f.id = v.file_id and v.origin = 'generated' and v.content_type is null;
