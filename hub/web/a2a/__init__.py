"""A2A 1.0: other agents send messages to ours, and follow their tasks, by JSON-RPC or by plain HTTP and JSON."""
