-- An attempt that stopped before its function's time was over, with work left for the next: neither a success nor a failure.
alter table ledger.steps drop constraint steps_status_check;
alter table ledger.steps add constraint steps_status_check
  check (status in ('running', 'succeeded', 'failed', 'yielded'));
