"""`agenthost local`: a small program on a person's own computer that lends folders and commands to their agents.

It imports no web server, no database and no model: only what speaks WebSocket and what draws in a terminal. The hub it
connects to isn't believed: what isn't lent isn't done, whatever is asked for.
"""
