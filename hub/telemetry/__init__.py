"""What an operator's own tools read of the hub: metrics, and traces."""
