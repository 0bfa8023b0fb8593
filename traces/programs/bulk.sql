-- Loads and queries a small shop: run with sqlite3.
pragma cache_size = 2000;
create table customer(id integer primary key, name text, city text);
create table sale(id integer primary key, customer integer, item text, price real, note text);
begin;
with recursive n(i) as (select 1 union all select i + 1 from n limit 2000)
insert into customer select i, 'name ' || hex(i * 7919), 'city ' || (i % 97) from n;
with recursive n(i) as (select 1 union all select i + 1 from n limit 60000)
insert into sale select i, 1 + i * 31 % 2000, 'item ' || (i % 500), i % 1000 / 7.0,
  replace(hex(i * 104729), '0', 'zero') from n;
commit;
create index sale_customer on sale(customer);
select city, count(*), sum(price), group_concat(substr(item, 1, 7), ',') from customer
  join sale on sale.customer = customer.id group by city order by 3 desc limit 20;
select item, max(length(note)), count(distinct customer) from sale group by item limit 20;
select substr(note, 1, 3) as head, count(*), json_group_array(item) from sale group by head limit 9;
update sale set note = upper(note) || item where id % 3 = 0;
delete from sale where id % 5 = 0;
vacuum;
