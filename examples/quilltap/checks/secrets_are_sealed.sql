-- No secret stands in clear: passwords are bcrypt's, keys and second factors are sealed, each with its vector and its tag.
with sealed (relation, id, text, iv, tag) as (
  select 'api_keys', id, "keyEncrypted", "keyIv", "keyAuthTag" from api_keys
  union all
  select 'users.totpSecret', id, "totpSecret", "totpSecretIv", "totpSecretAuthTag" from users where "totpEnabled" or "totpSecret" is not null
  union all
  select 'users.backupCodes', id, "backupCodes", "backupCodesIv", "backupCodesAuthTag" from users where "backupCodes" is not null
)
select relation, id from sealed
where (text ~ '^([0-9a-f]{2})+$' and iv ~ '^[0-9a-f]{24}$' and tag ~ '^[0-9a-f]{32}$') is not true
union all
select 'users.passwordHash', id from users where "passwordHash" !~ '^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$';
