"""Databases: each aws_db_instance is a PostgreSQL server on an address of its own."""
