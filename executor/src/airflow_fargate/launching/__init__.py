"""From a workload to RunTask: queue, rate limits, request, launcher."""
