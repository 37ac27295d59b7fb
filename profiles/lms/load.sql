-- lms: schema, data and indexes into an empty database:  psql -d lms -f profiles/lms/load.sql
-- Variables for the data (seed, users, courses, as_of): see data.sql.

\set ON_ERROR_STOP on
\set QUIET on
\echo schema
\ir schema.sql
\ir data.sql
\echo indexes
\ir indexes.sql
\echo statistics
vacuum (analyze);
