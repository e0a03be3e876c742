/** The little shop in which the rules' examples happen. */

export const SHOP = `create table customers (id bigint primary key, email text);
create table orders (
  id bigint primary key,
  customer_id bigint,
  status varchar(20),
  total numeric(10, 2),
  placed_at timestamptz
);
insert into customers select n, 'c' || n || '@example.com' from generate_series(1, 100) as n;
insert into orders select n, n, 'new', n, now() from generate_series(1, 100) as n;`;
