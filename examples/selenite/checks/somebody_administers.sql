-- Where there are accounts, one of them administers and is not disabled.
select count(*) as accounts
from users
having count(*) > 0 and count(*) filter (where is_admin and not is_disabled) = 0;
