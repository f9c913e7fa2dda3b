"""Puts what the conformance checks found into tables, at the end of a run."""

import pytest

_CHECKS = pytest.StashKey()


def pytest_configure(config):
    """Nothing was checked yet."""
    config.stash[_CHECKS] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Keeps the `check` that a test is parametrised with."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    try:
        return (yield)
    finally:
        check = parameters.get("check")
        if hasattr(check, "promise"):
            item.config.stash[_CHECKS].append(check)


def pytest_terminal_summary(terminalreporter, config):
    """Component x promise: ok, equal, distinct, - or BROKEN."""
    components = {}
    for check in config.stash[_CHECKS]:
        outcome = check.outcome or "skipped"
        components.setdefault(check.component, {})[check.promise] = outcome
    if not components:
        return
    from ganzoo.testing import table

    # One table for each kind, whose promises are others.
    for promises in dict.fromkeys(map(tuple, components.values())):
        rows = {
            (component, promise): outcome
            for component, outcomes in components.items()
            for promise, outcome in outcomes.items()
            if tuple(outcomes) == promises
        }
        terminalreporter.section("what components keep")
        terminalreporter.write_line(table(rows))
