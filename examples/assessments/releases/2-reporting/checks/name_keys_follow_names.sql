-- A customer's key is that of the name.
select reference from customers where name_key is distinct from name_key(name);
