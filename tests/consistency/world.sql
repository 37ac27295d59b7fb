-- What the checker reads and writes: see checker/plain_families.cpp and checker/special_families.cpp.
-- Run by a superuser in an empty database. Everything belongs to app, who may hand out rights; limited gets and
-- loses them.

CREATE ROLE app LOGIN CREATEROLE;
CREATE ROLE limited LOGIN;
CREATE ROLE members ROLE app;
SELECT format('GRANT ALL ON DATABASE %1$I TO app; ALTER DATABASE %1$I SET search_path = first, public',
              current_database()) \gexec
GRANT ALL ON SCHEMA public TO app;
GRANT members TO app WITH ADMIN OPTION;
GRANT limited TO app;
SET search_path = public;
SET ROLE app;

CREATE SCHEMA first;
GRANT USAGE ON SCHEMA first TO limited;
CREATE TABLE names (n int PRIMARY KEY, name text);
INSERT INTO names SELECT n, 'name ' || n FROM generate_series(1, 100) n;

-- Plain tables: a key, a number, a version.
CREATE TABLE by_number (id int PRIMARY KEY, n int, v bigint);
CREATE TABLE by_text (id text PRIMARY KEY, n int, v bigint);
CREATE TABLE by_uuid (id uuid PRIMARY KEY, n int, v bigint);
CREATE TABLE partitioned (id int PRIMARY KEY, n int, v bigint) PARTITION BY HASH (id);
CREATE TABLE partitioned_0 PARTITION OF partitioned FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE partitioned_1 PARTITION OF partitioned FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE without_key (id int, n int, v bigint);
CREATE TABLE inherited (id int PRIMARY KEY, n int, v bigint);
CREATE TABLE inherited_child (PRIMARY KEY (id)) INHERITS (inherited);
INSERT INTO by_number SELECT n, n, 0 FROM generate_series(1, 12) n;
INSERT INTO by_text SELECT 'key-' || n, n, 0 FROM generate_series(1, 12) n;
INSERT INTO by_uuid SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, n, 0
  FROM generate_series(1, 12) n;
INSERT INTO partitioned SELECT n, n, 0 FROM generate_series(1, 12) n;
INSERT INTO without_key SELECT n, n, 0 FROM generate_series(1, 12) n;
INSERT INTO inherited SELECT n, n, 0 FROM generate_series(1, 6) n;
INSERT INTO inherited_child SELECT n, n, 0 FROM generate_series(7, 12) n;

CREATE TABLE cascade_source (n int, v bigint, PRIMARY KEY (n, v));
CREATE TABLE cascaded (id int PRIMARY KEY, n int, v bigint,
                       FOREIGN KEY (n, v) REFERENCES cascade_source ON UPDATE CASCADE);
INSERT INTO cascade_source SELECT n, 0 FROM generate_series(1, 6) n;
INSERT INTO cascaded SELECT n, n, 0 FROM generate_series(1, 6) n;

CREATE VIEW by_number_view AS SELECT * FROM by_number;
CREATE VIEW by_text_view AS SELECT * FROM by_text;
CREATE VIEW by_uuid_view AS SELECT * FROM by_uuid;
CREATE VIEW partitioned_view AS SELECT * FROM partitioned;
CREATE VIEW without_key_view AS SELECT * FROM without_key;
CREATE VIEW inherited_view AS SELECT * FROM inherited;
CREATE VIEW cascaded_view AS SELECT * FROM cascaded;

-- Ways to write them that do not name them.
CREATE FUNCTION write_version(target text, number int, version bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('UPDATE %I SET v = $1 WHERE n = $2 AND v < $1', target) USING version, number;
END $$;
CREATE PROCEDURE call_version(target text, number int, version bigint) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM write_version(target, number, version);
END $$;
CREATE FUNCTION on_inbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM write_version(NEW.target, NEW.n, NEW.v);
  RETURN NULL;
END $$;
CREATE TABLE trigger_inbox (target text, n int, v bigint);
CREATE TRIGGER inbox AFTER INSERT ON trigger_inbox FOR EACH ROW EXECUTE FUNCTION on_inbox();
CREATE TABLE deferred_inbox (target text, n int, v bigint);
CREATE CONSTRAINT TRIGGER inbox AFTER INSERT ON deferred_inbox DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION on_inbox();
CREATE TABLE rule_inbox (id int, v bigint);
CREATE RULE inbox AS ON INSERT TO rule_inbox DO INSTEAD
  UPDATE by_number SET v = NEW.v WHERE id = NEW.id AND v < NEW.v;

-- What is written together.
CREATE TABLE pair_left (n int PRIMARY KEY, v bigint);
CREATE TABLE pair_right (n int PRIMARY KEY, v bigint);
INSERT INTO pair_left SELECT n, 0 FROM generate_series(1, 8) n;
INSERT INTO pair_right SELECT n, 0 FROM generate_series(1, 8) n;
CREATE TABLE bulk (id int PRIMARY KEY, n int, v bigint);
INSERT INTO bulk SELECT id, 1, 0 FROM generate_series(1, 5000) id;
CREATE TABLE appended (n int, v bigint);
CREATE INDEX ON appended (n, v);
INSERT INTO appended SELECT n, 0 FROM generate_series(1, 4) n;

-- What comes and goes. Where something must be there always, version 0 stands for "gone".
CREATE TABLE truncated (n int PRIMARY KEY, v bigint);
CREATE TABLE deleted_parent (n int PRIMARY KEY);
CREATE TABLE deleted (n int PRIMARY KEY REFERENCES deleted_parent ON DELETE CASCADE, v bigint);
CREATE TABLE public.shadowed AS SELECT 1 AS n, 0::bigint AS v;
CREATE TABLE attached (n int, v bigint) PARTITION BY LIST (n);
CREATE TABLE attached_rest PARTITION OF attached FOR VALUES IN (2);
CREATE TABLE attached_part AS SELECT 1 AS n, 0::bigint AS v;
CREATE TABLE parent_table (n int, v bigint);
CREATE TABLE child_table AS SELECT 1 AS n, 0::bigint AS v;

-- What DDL changes.
CREATE FUNCTION function_text() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 0::bigint';
CREATE VIEW view_text AS SELECT n, 0::bigint AS v FROM names WHERE n = 1;
CREATE TABLE rewritten AS SELECT 1 AS n, 0::bigint AS v;
CREATE TABLE swapped AS SELECT 1 AS n, 0::bigint AS v;
CREATE TABLE swapped_spare AS SELECT 1 AS n, 0::bigint AS v;
CREATE TABLE recreated AS SELECT 1 AS n, 0::bigint AS v;
CREATE TABLE refreshed_source AS SELECT 1 AS n, 0::bigint AS v;
CREATE MATERIALIZED VIEW refreshed AS SELECT n, v FROM refreshed_source;

-- What limited may read at times.
CREATE TABLE granted AS SELECT 1 AS n, 1::bigint AS v;
CREATE TABLE column_granted AS SELECT 1 AS n, 1::bigint AS v, 'hidden' AS other;
CREATE TABLE member_only AS SELECT 1 AS n, 1::bigint AS v;
GRANT SELECT ON member_only TO members;
CREATE SCHEMA closed;
CREATE TABLE closed.thing AS SELECT 1 AS n, 1::bigint AS v;
GRANT SELECT ON closed.thing TO limited;
CREATE TABLE policed AS SELECT 1 AS n, 1::bigint AS v;
ALTER TABLE policed ENABLE ROW LEVEL SECURITY;
CREATE POLICY policy ON policed USING (false);
GRANT SELECT ON policed TO limited;
CREATE TABLE secured AS SELECT 1 AS n, 1::bigint AS v;
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON secured TO limited;
