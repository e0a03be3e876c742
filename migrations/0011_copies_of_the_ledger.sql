-- The ledger's rows have a copy in the bucket from which it can be rebuilt. Noted here is which rows changed; the rows
-- themselves are read when they are copied. A mark is only ever inserted, and removed once its row was copied: writers
-- and the copier never wait for each other.
create table ledger.changes (
  id bigint generated always as identity primary key,
  relation text not null,
  -- The values of its primary key, as texts.
  key jsonb not null,
  -- A quiet change is copied with the next one that is not; `whole` is no change: the row is copied once more, so that
  -- older objects are not needed any longer.
  kind text not null check (kind in ('change', 'quiet', 'whole'))
);
create index changes_by_kind on ledger.changes (kind, id);
create index changes_of on ledger.changes (relation, key, id);

-- How far the copy is: one row. Whoever copies has the table locked.
create table ledger.copies (
  only_row boolean primary key default true check (only_row),
  -- The newest object, and the sha256 of its bytes.
  number bigint not null default 0,
  hash text not null default repeat('0', 64),
  -- From this object on the copy is whole by itself.
  whole_from bigint,
  -- Set while all rows are copied once more, from this object on.
  whole_begun bigint,
  -- The newest of these migrations when the newest object was written: rows of another shape are copied anew.
  migration int not null default 0,
  -- The newest event of which every change before it is copied as well; what comes behind it is not told outside yet.
  event bigint not null default 0
);

-- What was under way when the ledger was rebuilt. An attempt may have begun of which the copy did not hear; no later one
-- may have its number.
create table ledger.interrupted (
  -- Of a promotion or a task.
  id text primary key,
  attempts_above int not null,
  rebuilt_at timestamptz not null default now()
);

-- Arguments: the columns of the primary key; columns whose changes are quiet, or '{*}' for all.
create function ledger.note_change() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  keys constant text[] := tg_argv[0];
  quiet constant text[] := tg_argv[1];
  before jsonb;
  after jsonb;
  kind text := 'change';
begin
  if tg_op = 'UPDATE' and old *= new then
    return null;
  end if;
  if tg_op <> 'INSERT' then
    before := to_jsonb(old);
  end if;
  if tg_op <> 'DELETE' then
    after := to_jsonb(new);
  end if;
  if quiet = '{*}' or tg_op = 'UPDATE' and before - quiet = after - quiet then
    kind := 'quiet';
  end if;
  -- A row whose key changed is one that is gone and one that came.
  insert into ledger.changes (relation, key, kind)
    select distinct on (k.key) tg_table_name, k.key, kind
      from unnest(array[before, after]) as r (image),
        lateral (select jsonb_agg(image ->> c order by n) as key from unnest(keys) with ordinality as u (c, n)) as k
      where image is not null;
  return null;
end $$;

create trigger copied after insert or update or delete on ledger.keys
  for each row execute function ledger.note_change('{hash}', '{last_used_at}');
create trigger copied after insert or update or delete on ledger.environments
  for each row execute function ledger.note_change('{name}', '{}');
create trigger copied after insert or update or delete on ledger.releases
  for each row execute function ledger.note_change('{hash}', '{}');
create trigger copied after insert or update or delete on ledger.promotions
  for each row execute function ledger.note_change('{id}', '{}');
create trigger copied after insert or update or delete on ledger.steps
  for each row execute function ledger.note_change('{promotion,step,attempt}', '{progress}');
create trigger copied after insert or update or delete on ledger.approvals
  for each row execute function ledger.note_change('{promotion}', '{}');
create trigger copied after insert or update or delete on ledger.backups
  for each row execute function ledger.note_change('{id}', '{}');
create trigger copied after insert or update or delete on ledger.events
  for each row execute function ledger.note_change('{seq}', '{}');
-- What must still be told comes with its event, and that it was told may be forgotten: it is told once more.
create trigger copied after insert or update or delete on ledger.outbox
  for each row execute function ledger.note_change('{id}', '{*}');
create trigger copied after insert or update or delete on ledger.requests
  for each row execute function ledger.note_change('{person,key}', '{}');
create trigger copied after insert or update or delete on ledger.tasks
  for each row execute function ledger.note_change('{id}', '{progress}');
create trigger copied after insert or update or delete on ledger.people
  for each row execute function ledger.note_change('{name}', '{}');
create trigger copied after insert or update or delete on ledger.grants
  for each row execute function ledger.note_change('{person,environment,role}', '{}');
create trigger copied after insert or update or delete on ledger.identities
  for each row execute function ledger.note_change('{issuer,subject}', '{}');
create trigger copied after insert or update or delete on ledger.issuers
  for each row execute function ledger.note_change('{name}', '{}');
create trigger copied after insert or update or delete on ledger.drift_checks
  for each row execute function ledger.note_change('{environment}', '{checked_by,checked_at}');
create trigger copied after insert or update or delete on ledger.destinations
  for each row execute function ledger.note_change('{name}', '{}');
create trigger copied after insert or update or delete on ledger.deliveries
  for each row execute function ledger.note_change('{seq,destination}', '{attempts,due_at,claimed_until,error}');
create trigger copied after insert or update or delete on ledger.interrupted
  for each row execute function ledger.note_change('{id}', '{}');

-- A ledger that holds nothing yet is copied whole from its first object on; of any other all rows are copied once more.
insert into ledger.copies (whole_begun)
  select case when exists (select from ledger.people) or exists (select from ledger.events) then null else 1 end;
