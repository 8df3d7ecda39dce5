"""The product's own router and supervisor over labelled data: how good they are, measured where they run."""
