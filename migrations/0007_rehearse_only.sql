-- Promotions that only rehearse: they touch nothing but copies, end as `rehearsed`, and never go on. They have a lock of
-- their own, one at a time for each environment, beside the one of those that promote.
alter table ledger.promotions add column rehearse_only boolean not null default false;

alter table ledger.promotions drop constraint promotions_status_check;
alter table ledger.promotions add constraint promotions_status_check check (status in
  ('created', 'running', 'waiting', 'promoted', 'nothing-to-do', 'rehearsed', 'refused', 'rolled-back', 'held'));
alter table ledger.promotions add constraint promotions_rehearsed check (
  case when rehearse_only then status not in ('waiting', 'promoted', 'rolled-back') else status <> 'rehearsed' end);

drop index ledger.promotions_lock;
create unique index promotions_lock on ledger.promotions (environment)
  where status in ('created', 'running', 'waiting', 'held') and not rehearse_only;
create unique index promotions_rehearsal on ledger.promotions (environment)
  where status in ('created', 'running', 'held') and rehearse_only;
