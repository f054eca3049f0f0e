"""Faults of calls and events, and AWS's token buckets."""
