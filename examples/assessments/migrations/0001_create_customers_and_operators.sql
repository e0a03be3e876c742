-- rehearsal: idempotent
-- Who assessments are made for, who pays for them, and who makes them. A reference is what people and files call a row.

create table if not exists customers (
  id bigint generated always as identity primary key,
  reference text not null unique check (reference <> ''),
  name text not null check (name <> ''),
  email text,
  phone text,
  created_at timestamptz not null default now()
);

create table if not exists billing_profiles (
  id bigint generated always as identity primary key,
  reference text not null unique check (reference <> ''),
  customer_id bigint not null references customers,
  name text not null check (name <> ''),
  address text,
  tax_number text,
  currency text not null default 'EUR' check (currency ~ '^[A-Z]{3}$'),
  created_at timestamptz not null default now()
);

create index if not exists billing_profiles_customer on billing_profiles (customer_id);

create table if not exists operators (
  id bigint generated always as identity primary key,
  reference text not null unique check (reference <> ''),
  name text not null check (name <> ''),
  email text,
  certificate text,
  created_at timestamptz not null default now()
);
