"""The `[fargate]` section: its options, their parsing, and per-task options."""
