"""A label that nobody created is missing until its fault occurs: rates and alerts miss the first one."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from services.dashboard.metrics import DashboardMetrics
from services.ingestor.metrics import IngestorMetrics
from services.ingestor.rejected_reasons import REJECTED_REASONS
from services.notifier.metrics import NotifierMetrics
from services.signals.core.legs.data_quality import QUARANTINED
from services.signals.metrics import DEAD_LETTER_REASONS, SUPPRESSED, SignalsMetrics
from shared.version import CODE_VERSION

_ROOT = Path(__file__).parents[2]
_CONTRACTS = ("shared/contracts/envelope.py", "shared/contracts/ticks.py")
_DATA_ERRORS = {"DataError", "DecodeError", "QualityError"}


def _nodes(*paths: str) -> Iterator[ast.AST]:
    for path in paths:
        yield from ast.walk(ast.parse((_ROOT / path).read_text(encoding="utf-8")))


def _reasons(*paths: str) -> set[str]:
    return {
        keyword.value.value
        for node in _nodes(*paths)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _DATA_ERRORS
        for keyword in node.keywords
        if keyword.arg == "reason"
        and isinstance(keyword.value, ast.Constant)
        and isinstance(keyword.value.value, str)
    }


def _suppressed(*paths: str) -> set[str]:
    return {
        node.args[0].value
        for node in _nodes(*paths)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "suppress"
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def test_every_reason_for_which_a_tick_record_is_refused_stands_at_zero() -> None:
    raised = _reasons(*_CONTRACTS, "shared/domain/bars.py")

    assert {"not_json", "not_positive", "implausible_instant"} <= raised
    assert raised <= set(DEAD_LETTER_REASONS)


def test_every_reason_for_which_the_ingestor_refuses_input_stands_at_zero() -> None:
    # Its bars' instants are the clock's and the calendar's: no input reaches them.
    raised = _reasons(
        "services/ingestor/core/tick_validation.py",
        "services/ingestor/core/event_times.py",
        "services/ingestor/core/outliers.py",
        "services/ingestor/core/spread_limit.py",
        "services/ingestor/feeds/streaming/tick_normaliser.py",
        "shared/domain/bars.py",
    ) - {"implausible_instant"}

    assert {"future", "not_positive", "outlier", "too_old"} <= raised
    assert raised <= set(REJECTED_REASONS)


def test_everything_signals_suppresses_stands_at_zero() -> None:
    core = sorted(str(path.relative_to(_ROOT)) for path in (_ROOT / "services/signals/core").rglob("*.py"))
    counted = _suppressed(*core)

    assert {"bar_no_session", "bar_provisional", "tick_implausible", "trade_superseded"} <= counted
    # These are counted by the name of the cause.
    counted |= {f"bar_{cause.value}" for cause in QUARANTINED}
    assert counted <= set(SUPPRESSED)


@pytest.mark.parametrize(
    ("service", "make"),
    [
        ("ingestor", lambda registry: IngestorMetrics(registry, feeds=(), instruments=(), streams={})),
        ("signals", lambda registry: SignalsMetrics(registry, pairs=())),
        ("notifier", lambda registry: NotifierMetrics(registry, topic="divergences.v1")),
        ("dashboard", lambda registry: DashboardMetrics(registry, topics=(), pairs=())),
    ],
)
def test_every_service_tells_its_build_in_the_same_words(
    service: str, make: Callable[[CollectorRegistry], object]
) -> None:
    registry = CollectorRegistry()
    make(registry)

    samples = [
        sample
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "convex_build_info"
    ]

    assert [sample.labels for sample in samples] == [{"version": CODE_VERSION, "service": service}]
