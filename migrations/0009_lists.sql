-- Lists are told newest first and page by page, also where there are tens of thousands of entries.
create index promotions_listed on ledger.promotions (created_at desc, id desc);
create index releases_listed on ledger.releases (created_at desc, hash desc);
create index backups_listed on ledger.backups (created_at desc, id desc);
-- The newest verified backup of an environment is told with it, and with each of its promotions.
create index backups_verified on ledger.backups (environment, taken_at desc, id desc)
  where status = 'verified' and expiring_at is null;
