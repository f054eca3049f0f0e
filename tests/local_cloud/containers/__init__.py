"""The container engine: tasks that are real containers."""
