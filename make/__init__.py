"""What `make` calls: set-up from a bare machine, and renewing the locks.

Only the standard library is imported here: these modules run before anything is installed.
"""
