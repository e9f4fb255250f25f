"""Fixtures that several folders of tests share, and how hard the property tests try."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.support.coverage_of_decisions",
    "tests.support.kafka_broker",
    "tests.support.brokers",
    "tests.support.postgres",
]

# A gate must not depend on luck: the same examples on every run. ``deep`` is for nights and doubts:
# HYPOTHESIS_PROFILE=deep.
settings.register_profile(
    "ci",
    derandomize=True,
    max_examples=150,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("deep", max_examples=5_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
