"""The command line, `agenthost COMMAND`: each command's module is loaded when it's called, so that help is quick."""

from importlib import import_module

import rich_click as click

from hub import __version__

COMMANDS = {
    "run": "Start the hub.",
    "check": "Tell every fault of the config.",
    "doctor": "Find what's wrong, and say how to mend it.",
    "status": "Show how the hub is.",
    "chat": "Talk to your agents in this terminal.",
    "send": "Send one message, and show the answer.",
    "tasks": "List, show, stop, cancel or resume tasks.",
    "pair": "Let people in, and link your accounts on chat platforms.",
    "people": "List people; hand over, or erase, what's kept of one.",
    "audit": "List what was done by whom, and prove that the list is whole.",
    "approve": "Let somebody in by the code that they were given.",
    "keys": "Create, list, rotate and revoke API keys.",
    "tenants": "List, make, suspend and resume the customers of this hub.",
    "pause": "Stop everything at once: no turns, nothing goes out.",
    "resume": "Have everything go on that was paused.",
    "search": "Find packages in your registries.",
    "install": "Install or update a plugin or an agent.",
    "packages": "List, show, enable, disable and roll back what's installed; say whom to trust; try out your own.",
    "rate": "Say in a registry how good a package is that you use.",
    "new": "Begin a package of your own.",
    "remove": "Remove what's installed.",
    "publish": "Publish a package of your own in a registry.",
    "yank": "Take back a version that you published, or give it out again.",
    "registry": "Serve a registry of packages; fill it with what comes along.",
    "models": "List, fetch and choose the models on this machine.",
    "local": "Lend folders and commands of this computer to your agents.",
    "waker": "Hear for a hub that sleeps, wake it and stop it.",
    "deploy": "Make the machine that a hub sleeps on, or destroy it.",
    "backup": "Write everything that's kept into one file.",
    "restore": "Bring back what a backup holds.",
    "migrate": "Move the hub's records to PostgreSQL, or back to SQLite.",
    "eval": "Measure how good router and supervisor are.",
    "bench": "Measure how fast the hub is here.",
}
"""Each command with its line of help; it's `command` in hub.cli.NAME."""


class Commands(click.RichGroup):
    """A group that shows its commands from a table, and loads the one that's called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return click.RichCommand(name=cmd_name, help=COMMANDS[cmd_name]) if cmd_name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and load(str(name)), rest


def load(name: str) -> click.Command:
    """Return a command, ready to be called."""
    command: click.Command = import_module(f"hub.cli.{name}").command
    return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="agenthost")
def main() -> None:
    """A hub for LLM agents: messages come in from any chat, are kept, and are worked on until they're done."""


if __name__ == "__main__":
    main(prog_name="agenthost")
