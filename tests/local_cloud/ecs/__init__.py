"""ECS's calls, task definitions and the life of a task; neither HTTP nor Docker."""
