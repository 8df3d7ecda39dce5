"""AgentHost's hub: messages come in, are kept, are joined to a task, are answered, and go out."""

__version__ = "0.1.0"
