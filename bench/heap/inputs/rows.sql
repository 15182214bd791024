-- For bench/heap/programs: a generated database in memory; inserts, indexes, joins, grouping, text.
PRAGMA temp_store = MEMORY;
CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT, city TEXT);
CREATE TABLE sale (id INTEGER PRIMARY KEY, customer INTEGER, amount INTEGER, note TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
INSERT INTO customer SELECT i, 'name' || (i * 7919 % 40000), 'city' || (i * 31 % 500) FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000)
INSERT INTO sale SELECT i, i * 7907 % 40000 + 1, i * 104729 % 1000, substr('a note of some length about a sale', 1, i % 30) || i FROM n;
CREATE INDEX sale_customer ON sale (customer);
CREATE INDEX customer_name ON customer (name);
SELECT city, count(*), sum(amount) FROM sale JOIN customer ON customer.id = sale.customer GROUP BY city ORDER BY 3 DESC LIMIT 3;
SELECT count(*) FROM customer a JOIN customer b ON a.name = b.name WHERE a.id <= b.id;
UPDATE sale SET note = note || ' seen' WHERE amount < 300;
SELECT count(DISTINCT substr(note, 1, 12)), max(length(note)) FROM sale;
SELECT length(group_concat(note)) FROM sale WHERE amount % 3 = 0;
DELETE FROM sale WHERE amount > 500;
SELECT count(*), sum(amount) FROM sale;
