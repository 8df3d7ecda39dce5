"""Who works on which chat and task, now: in one process (local) so far."""
