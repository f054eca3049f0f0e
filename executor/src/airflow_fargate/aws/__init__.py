"""AWS at the edge: clients, calls, and what its answers and errors mean."""
