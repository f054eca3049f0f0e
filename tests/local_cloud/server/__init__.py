"""The HTTP server: every call arrives here."""
