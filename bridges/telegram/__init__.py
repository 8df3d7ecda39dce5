"""Telegram: a bot that talks to people and groups over the Bot API."""
