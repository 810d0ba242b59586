-- Run once by the Postgres container on an empty volume, as its superuser: the owner of
-- the schema and its database. `glassbox migrate` does the rest as that owner, and makes
-- the application's role with the password in its address.
-- The password is for development; see docker-compose.yml.
create role glassbox_owner login createrole password 'development-only-owner';
create database glassbox owner glassbox_owner;
\connect glassbox
create extension vector;
