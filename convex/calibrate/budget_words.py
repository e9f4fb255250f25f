"""The levels of a budget in words, and what a quieter rule costs."""

from collections.abc import Iterator

from convex.calibrate.budget_study import CalibratedRule
from convex.calibrate.detection_delay import Delay


def describe_budget(found: CalibratedRule) -> Iterator[str]:
    """Yield a line with the levels and their interval, then one for each budget with what it costs."""
    figure, rule = found.figure, found.rule
    levels = f"warning {rule.warning:g}, critical {rule.critical:g}, leave {rule.leave:g}"
    ends = ["no level" if each is None else f"{each:g}" for each in (figure.warning_low, figure.warning_high)]
    yield (
        f"{rule.kind}: {levels} for {figure.budget:g} false alarms a year "
        f"(95 % interval of the warning: {ends[0]} to {ends[1]})"
    )
    for cost in found.costs:
        yield f"  at {cost.budget:g} a year {_described(cost.delay)}"


def _described(delay: Delay | None) -> str:
    if delay is None:
        return "chance opens it less often with any levels"
    within = f"{delay.share:.0%} within half a year, {delay.by_chance:.0%} without a change"
    if delay.sessions is None:
        return f"less than half of standard changes open it ({within})"
    return f"a standard change opens it after {delay.sessions:g} sessions ({within})"
