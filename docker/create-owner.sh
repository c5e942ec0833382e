#!/bin/sh
# Run once by the postgres image, when its data folder is new: the owner of the warehouse (who is no superuser) and the
# database.
set -eu
psql --no-psqlrc -v ON_ERROR_STOP=1 -v password="$POSTGRES_PASSWORD" --username postgres --dbname postgres <<'SQL'
CREATE ROLE assay_owner LOGIN CREATEDB CREATEROLE NOSUPERUSER PASSWORD :'password';
CREATE DATABASE assay OWNER assay_owner;
SQL
