"""Code from others: read as text, checked, and run where it can't harm; the hub never imports it."""
