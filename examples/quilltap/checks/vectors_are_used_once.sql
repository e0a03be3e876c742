-- AES-256-GCM forgives no vector that is used twice under one key: each person has a key of their own.
select "userId", iv, count(*) as times
from (
  select "userId", "keyIv" as iv from api_keys
  union all select id, "totpSecretIv" from users where "totpSecretIv" is not null
  union all select id, "backupCodesIv" from users where "backupCodesIv" is not null
) vectors
group by 1, 2
having count(*) > 1;
