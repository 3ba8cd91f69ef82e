"""What all tests share: the event loop, the log as it was, and the rule that nothing is left out silently."""

import logging
import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

# No test is timed: a machine that is busy with other things must not fail a property.
settings.register_profile("whole", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# For `./run test --fast`: fewer examples of each property, none left out.
settings.register_profile("fast", settings.get_profile("whole"), max_examples=15)
settings.load_profile("whole")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """A command that runs in a test sets up its own log: the next test must not find its lines left out by that."""
    root, before = logging.getLogger(), dict(structlog.get_config())
    handlers, level = list(root.handlers), root.level
    yield
    structlog.configure(**before)
    root.handlers, root.level = handlers, level


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]  # pluggy's generator protocol
    """In CI a test that was left out is a failure: a green run there means that everything ran."""
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"left out in CI: {report.longrepr}"
    return report
