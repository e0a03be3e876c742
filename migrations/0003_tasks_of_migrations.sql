-- More kinds of tasks: what is done with migrations and data besides promoting them.
alter table ledger.tasks
  drop constraint tasks_kind_check,
  add constraint tasks_kind_check check (kind in (
    'back-up', 'verify', 'restore', 'expire', 'export',
    'replay', 'adopt', 'squash', 'baseline'));
