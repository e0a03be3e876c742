-- Takes away the keys of repeated requests: nobody reads them any more, and none is older than a day.

drop table idempotency_keys;
