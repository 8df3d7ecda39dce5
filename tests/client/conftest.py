"""The client against a real hub, served by a thread of its own."""

from tests.unit.cli.conftest import asking_hub, hub, slow_hub

__all__ = ["asking_hub", "hub", "slow_hub"]
