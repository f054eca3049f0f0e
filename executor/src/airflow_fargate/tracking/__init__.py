"""How state changes arrive and containers are stopped: events, polling, StopTask, logs."""
