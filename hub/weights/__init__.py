"""Models' files on this machine: what's in them, where they lie, how they get here."""
