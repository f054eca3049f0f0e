"""One scheduler's containers: all parts at work together, adoption, threads, lease."""
