-- Copies are made by credentials of their own: who restores need not reach production. Null in an environment that was
-- registered before there were any: its copies are made by its own secret until it is given one.
alter table ledger.environments
  add column copies_secret text;
