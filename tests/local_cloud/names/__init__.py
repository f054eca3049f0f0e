"""Names: Cloud Map registers tasks, and a DNS server answers their names inside containers."""
