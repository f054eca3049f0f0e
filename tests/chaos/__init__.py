"""`make chaos`: every known fault as a named scenario, random combinations of them, and real sockets."""
