"""Task state changes and their way to EventBridge's targets."""
