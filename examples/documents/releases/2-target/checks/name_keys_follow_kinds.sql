-- The key of a name is what its kind says; inputs of one name are told apart by a number.
select id, kind, name, name_key
from files
where not case kind::text
  when 'input' then regexp_replace(name_key, '/[0-9]+$', '')
    = lower(btrim(regexp_replace(normalize(replace(name, '/', '_'), nfc), '\s+', ' ', 'g')))
  when 'output' then name_key = 'output:' || source_file_id
  when 'log' then name_key ~ '^log:[0-9a-f-]{36}$'
  when 'export' then name_key ~ '^export:.+$'
end;
