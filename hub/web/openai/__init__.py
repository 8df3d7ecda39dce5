"""The API that OpenAI's clients speak, over the same tasks and messages as everything else."""
