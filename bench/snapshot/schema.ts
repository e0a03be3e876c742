/** The database whose shape the bench reads: tables as an application has them after some years, and all that stands around them. */
import type { DatabaseAddress } from "../../core/database-url.ts";
import { onDatabase } from "../database.ts";

export const SCHEMA_CONTENT =
  "eight to twenty-six columns, a primary key, a unique constraint, two foreign keys, three indexes and more, a check, comments and a grant to most tables; and to every ten an enum, a domain, a sequence, two views, a function, a trigger and a policy";

const SCHEMAS = ["public", "billing", "catalog", "audit", "media"];
/** Small enough that one transaction never holds more locks than the server has room for. */
const TABLES_A_BATCH = 10;

/** Makes so many tables, and what belongs to them, in a database that is empty. */
export async function makeSchema(address: DatabaseAddress, tables: number): Promise<void> {
  await onDatabase(address, async (session) => {
    await session.execute(
      `do $$ begin create role bench_reader nologin; exception when duplicate_object then null; end $$;
      ${SCHEMAS.filter((name) => name !== "public")
        .map((name) => `create schema ${name};`)
        .join(" ")}`,
    );
    for (let first = 1; first <= tables; first += TABLES_A_BATCH) {
      const count = Math.min(TABLES_A_BATCH, tables - first + 1);
      const own = Array.from({ length: count }, (_, place) => table(first + place));
      await session.execute([neighbourhood(first), ...own, afterwards(first)].join("\n"));
    }
    await session.execute("vacuum analyze");
  });
}

function schemaOf(number: number): string {
  return SCHEMAS[number % SCHEMAS.length] ?? "public";
}

function nameOf(number: number): string {
  return `${schemaOf(number)}.entity_${number}`;
}

/** What the tables of a batch use. */
function neighbourhood(first: number): string {
  const schema = schemaOf(first);
  return `create type ${schema}.status_${first} as enum ('draft', 'open', 'paid', 'shipped', 'closed');
    create domain ${schema}.code_${first} as text check (value ~ '^[A-Z]{2}[0-9]+$');
    create sequence ${schema}.number_${first} start 1000 increment 5;
    create function ${schema}.touch_${first}() returns trigger language plpgsql as $body$
    begin
      new.updated_at := now();
      return new;
    end $body$;
    comment on function ${schema}.touch_${first}() is 'Keeps updated_at.';`;
}

/** Between eight and twenty-six columns; what not every table has goes by its number. */
function table(number: number): string {
  const first = number - ((number - 1) % TABLES_A_BATCH);
  const around = schemaOf(first);
  const name = nameOf(number);
  const each = (share: number, text: string) => (number % share === 0 ? [text] : []);
  const columns = [
    "id bigint generated always as identity primary key",
    "public_id uuid not null default gen_random_uuid()",
    ...(number === 1 ? [] : [`parent_id bigint references ${nameOf(number - 1)} (id) on delete cascade`]),
    ...(number < 5 ? [] : [`owner_id bigint not null references ${nameOf(number - 4)} (id)`]),
    `status ${around}.status_${first} not null default 'draft'`,
    "title varchar(200) not null",
    "description text",
    "created_at timestamptz not null default now()",
    "updated_at timestamptz not null default now()",
    ...each(2, "price numeric(12, 2) not null default 0"),
    ...each(2, "active boolean not null default true"),
    ...each(3, "quantity integer not null default 1"),
    ...each(3, `code ${around}.code_${first}`),
    ...each(4, "tags text[] not null default '{}'"),
    ...each(4, "details jsonb not null default '{}'::jsonb"),
    ...each(5, `number bigint not null default nextval('${around}.number_${first}')`),
    ...each(5, "due date"),
    ...each(6, "ratio double precision, weight real"),
    ...each(12, "total numeric generated always as (price * quantity) stored"),
    ...Array.from({ length: number % 7 }, (_, place) => `field_${place} ${FIELDS[place] ?? "text"}`),
    ...each(2, `constraint entity_${number}_price check (price >= 0 and price < 1000000)`),
    ...each(3, `constraint entity_${number}_code check (title <> '' and code in ('AA1', 'BB2', 'CC3'))`),
    `constraint entity_${number}_public unique (public_id)`,
  ];
  return [
    `create table ${name} (${columns.join(", ")})`,
    ...(number === 1 ? [] : [`create index entity_${number}_parent on ${name} (parent_id)`]),
    `create index entity_${number}_status on ${name} (status, created_at desc)`,
    ...each(2, `create index entity_${number}_open on ${name} (updated_at) where active`),
    ...each(4, `create index entity_${number}_tags on ${name} using gin (tags)`),
    ...each(5, `create index entity_${number}_title on ${name} (lower(title))`),
    `comment on table ${name} is 'What entity ${number} keeps.'`,
    `comment on column ${name}.title is 'As people read it.'`,
    ...each(3, `comment on column ${name}.code is 'As printed on the paper.'`),
    `grant select on ${name} to bench_reader`,
  ]
    .map((statement) => `${statement};`)
    .join("\n");
}

const FIELDS = ["integer", "text", "timestamptz", "boolean", "numeric(8, 3)", "varchar(40)", "bigint"];

function afterwards(first: number): string {
  const [name, next] = [nameOf(first), nameOf(first + 1)];
  const schema = schemaOf(first);
  return `create view ${schema}.open_${first} as
      select e.id, e.title, e.created_at, count(*) over (partition by e.status) as alike from ${name} e where e.status <> 'closed';
    create view ${schema}.pairs_${first} as
      select e.id, n.title, coalesce(n.price, e.id) as price from ${name} e left join ${next} n on n.parent_id = e.id
      where e.created_at > now() - interval '30 days' order by n.price desc;
    create trigger touch before update on ${name} for each row execute function ${schema}.touch_${first}();
    alter table ${name} enable row level security;
    create policy own on ${name} for select to bench_reader using (title = current_user::text);`;
}
