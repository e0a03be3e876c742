/** Files as a team writes them over the years: tables, then years of changes to them. */

export const STATEMENTS = 5_000;
const EACH = 10;
export const FILES = STATEMENTS / EACH;

/** The same files each time. */
export function lintedFiles(): { path: string; sql: string }[] {
  return Array.from({ length: FILES }, (_, file) => ({
    path: `migrations/${String(file + 1).padStart(4, "0")}_change_${file + 1}.sql`,
    sql: `${Array.from({ length: EACH }, (_, index) => statement(file * EACH + index)).join(";\n\n")};\n`,
  }));
}

function statement(number: number): string {
  const make = SHAPES[number % SHAPES.length] ?? SHAPES[0];
  // A change is of a table that an earlier file made.
  return (
    make?.(
      `thing_${number}`,
      `thing_${Math.max(0, Math.floor(number / SHAPES.length / 2) * SHAPES.length)}`,
      number,
    ) ?? ""
  );
}

type Shape = (fresh: string, table: string, number: number) => string;

const SHAPES: readonly Shape[] = [
  (fresh) => `create table ${fresh} (
  id bigint generated always as identity primary key,
  account_id bigint not null,
  name varchar(80) not null,
  state text not null default 'new' check (state in ('new', 'paid', 'sent', 'closed')),
  price numeric(12, 2),
  details jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz
)`,
  (_, table, number) => `alter table ${table} add column note_${number} text`,
  (_, table, number) =>
    `create index ${table}_name_${number} on ${table} (account_id, name) where state <> 'closed'`,
  (_, table, number) => `alter table ${table} add constraint price_${number} check (price >= 0) not valid`,
  (_, table, number) => `alter table ${table} add column token_${number} uuid default gen_random_uuid()`,
  (_, table) =>
    `update ${table} set state = 'closed', updated_at = now() where state = 'sent' and created_at < now() - interval '90 days'`,
  (_, table, number) => `alter table ${table} alter column name type varchar(${100 + number})`,
  (_, table, number) => `create or replace view open_${number} as
select t.id, t.name, t.price, count(*) over (partition by t.account_id) as of_account
from ${table} t where t.state in ('new', 'paid') order by t.created_at desc`,
  (_, table, number) => `create or replace function touch_${number}() returns trigger language plpgsql as $$
begin
  new.updated_at := now();
  if new.state is distinct from old.state then
    insert into audit (table_name, row_id, was, is_now) values ('${table}', old.id, old.state, new.state);
  end if;
  return new;
end $$`,
  (_, table, number) =>
    `comment on column ${table}.details is 'what the shop knows besides, version ${number}'`,
  (_, table, number) =>
    `insert into ${table} (account_id, name) values (${number}, 'first'), (${number}, 'it''s the second')`,
  (_, table) => `alter table ${table} alter column updated_at set not null`,
  (_, table) => `grant select, insert on ${table} to public`,
];
