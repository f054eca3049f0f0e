"""The simulated engine: tasks that live on a timeline."""
