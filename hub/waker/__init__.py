"""A small process that's up while the hub sleeps: it hears for it, wakes it, hands over, and puts it to sleep again."""
