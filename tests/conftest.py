"""Settings for all tests."""

import os
import signal

from hypothesis import HealthCheck, settings

# Slow machines are no failures, and Hypothesis builds its Unicode tables at first use. In CI the examples are the same
# each time, so that a change is judged by itself; elsewhere new ones are tried.
settings.register_profile(
    "correlator", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("correlator")

# Where the tests run in the background, shells have SIGINT ignored, nohup has SIGHUP, and so would all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)  # which programs that are started do not inherit
