-- The forwards that Kamailio holds; the same for SQLite and Postgres. key_value is TEXT on purpose:
-- the stock VARCHAR(128) of the htable module cuts a plan. On SQLite also run once:
--   PRAGMA journal_mode = WAL;
CREATE TABLE gcal_forwards (
    key_name TEXT PRIMARY KEY,
    key_type INTEGER NOT NULL DEFAULT 0,
    value_type INTEGER NOT NULL DEFAULT 0,
    key_value TEXT NOT NULL,
    expires INTEGER NOT NULL DEFAULT 0
);
