-- Tasks of the life of data: what comes in, what is told of it, and the proof of what may go.
alter table ledger.tasks
  drop constraint tasks_kind_check,
  add constraint tasks_kind_check check (kind in (
    'back-up', 'verify', 'restore', 'expire', 'export',
    'replay', 'adopt', 'squash', 'baseline',
    'import-files', 'import-sqlite', 'report', 'regenerate', 'prune-test'));
