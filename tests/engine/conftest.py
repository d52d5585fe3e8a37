"""Fixtures of the bench."""

import sys

import pytest

from tests.engine.windows import Windows, build


@pytest.fixture(scope="session")
def windows() -> Windows:
    """The Windows side, built at its first use. A failed build fails the tests that need it: it is no skip."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the bench needs Linux: Wine, Debian packages")
    return build()
