"""The truth: tables, queries, encryption at rest, migrations."""
