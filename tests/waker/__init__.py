"""The waker: its power over hubs, what it hears, and what it hands over."""
