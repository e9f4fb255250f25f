"""The rules file with the level that beats chance."""

from convex.calibrate.rules_toml import rules_file_bytes
from convex.choose.hit_rates import HitRate
from convex.choose.study import Study
from convex.choose.what_followed import HORIZONS
from services.signals.rule_table import LEVELS
from services.signals.rules_file import RulesFile


def chosen_rules_bytes(file: RulesFile, study: Study) -> bytes | None:
    """Return the whole rules file with the chosen levels of the pair; None where nothing is chosen.

    Everything else of the file stays as it was; its comments are lost.

    Parameters
    ----------
    file
        The rules that the study began with.
    study
        Of one kind of one pair.
    """
    chosen, test = study.chosen, study.test
    if chosen is None or test is None:
        return None
    rate = chosen.hit_rates[test.horizon]
    head = (
        f"# The levels of {study.kind} were chosen by convex choose from {study.sessions[0]} to "
        f"{study.sessions[-1]}:\n"
        f"# {_rate_of(rate)} after {HORIZONS[test.horizon]} sessions, p = {test.p_value:.3f} "
        f"after the search over {test.columns} levels and horizons.\n"
    )
    levels = {name: repr(getattr(chosen.rule, name)) for name in LEVELS}
    return rules_file_bytes(file, study.pair, {study.kind: levels}, head=head)


def _rate_of(rate: HitRate) -> str:
    return f"{rate.hits} of {rate.count} hits (usual {rate.base or 0.0:.0%})"
