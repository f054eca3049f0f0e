"""Breaks the pure modules on purpose, one place at a time, to see whether a test fails."""
