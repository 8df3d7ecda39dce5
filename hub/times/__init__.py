"""Times as people speak of them: their zones, dates in words, and when something is to be done."""
