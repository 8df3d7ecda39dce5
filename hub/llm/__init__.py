"""The LLM port's backends: a model in a process of our own, and any OpenAI-compatible server."""
