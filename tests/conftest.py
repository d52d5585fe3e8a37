"""Settings of all tests: what Hypothesis makes up is the same in every run, and no run is timed."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "same-every-time",
    derandomize=True,
    deadline=None,
    max_examples=60,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# No test fills or reads the cache of whoever runs it.
os.environ["KDTOKEN_CACHE"] = "off"
# Nor does the width of their terminal count; a worker of pytest-xdist says 80.
os.environ.pop("COLUMNS", None)
settings.load_profile("same-every-time")
