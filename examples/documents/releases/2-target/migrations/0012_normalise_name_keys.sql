-- Names are for show; the key follows from the kind. Inputs whose names fall together are told apart in the order of their arrival.

alter table files drop constraint files_workspace_name_key;

-- As text: values that an enum got in this transaction cannot be written as its own yet.
update files f
set name_key = k.name_key
from (
  select id,
    case kind::text
      when 'output' then 'output:' || source_file_id
      else base || case when place > 1 then '/' || place else '' end
    end as name_key
  from (
    select id, kind, source_file_id, base,
      row_number() over (partition by workspace_id, kind, base order by created_at, id) as place
    from (
      select id, workspace_id, kind, source_file_id, created_at,
        lower(btrim(regexp_replace(normalize(replace(name, '/', '_'), nfc), '\s+', ' ', 'g'))) as base
      from files
    ) named
  ) placed
) k
where k.id = f.id and f.name_key is distinct from k.name_key;

alter table files add constraint files_workspace_name_key unique (workspace_id, name_key);
comment on column files.name_key is 'Unique in its workspace, by kind: the normalised name of an input, output:SOURCE, log:RUN, export:JOB.';
