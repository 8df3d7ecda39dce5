"""Prints what was measured as one table, at the end."""

import pytest

from tests.faults.figures import table


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if lines := list(table()):
        terminalreporter.section("figures of promises 1 to 4")
        for line in lines:
            terminalreporter.write_line(line)
