"""Where moto differs from AWS, and the ways into its state."""
