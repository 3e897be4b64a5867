#!/bin/sh
# Run once by PostgreSQL's image in an empty database: the role that serves owns nothing, so that it cannot change the books.
exec psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set password="$POSTGRES_PASSWORD" <<'SQL'
create role berth_site login password :'password';
SQL
