"""Read the rules from a TOML file: a table for each kind of divergence, and those of pairs laid over them."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.rules_by_pair import RulesByPair
from services.signals.core.kinds.registry import DEFAULT_RULES, PUBLISHED_RULES
from services.signals.rule_table import BUDGET, RuleTable, is_on, read_rule_table
from shared.domain.divergences import Kind
from shared.errors import ConfigError

PAIRS: Final = "pairs"
"""The table whose tables are named by pairs."""

Tables = Mapping[Kind, RuleTable]


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesFile:
    """The tables of a rules file.

    Parameters
    ----------
    path
        The file; None without one, when every kind has its default.
    general
        By kind.
    of_pair
        By pair name and kind.
    """

    path: Path | None = None
    general: Tables = field(default_factory=dict)
    of_pair: Mapping[str, Tables] = field(default_factory=dict)

    def tables_of(self, pair: str | None) -> Tables:
        """Return the tables in force for a pair, or for every pair without tables of its own."""
        own = self.of_pair.get(pair or "", {})
        return {**self.general, **{kind: table.over(self.general.get(kind)) for kind, table in own.items()}}

    def rules_of(self, pair: str | None, *, without_levels: Iterable[Kind] = ()) -> tuple[Rule, ...]:
        """Return the rules in force for a pair, or for every pair without tables of its own.

        Parameters
        ----------
        without_levels
            Kinds that may have a budget without levels; those get the published ones.

        Raises
        ------
        ConfigError
            With file, table and field: levels out of order, a budget without levels, no kind left.
        """
        tables, rules = self.tables_of(pair), []
        for published in PUBLISHED_RULES:
            table = tables.get(published.kind)
            try:
                rule = published if table is None else table.rule(published)
            except ConfigError as error:
                where = f"{self.path}: [{PAIRS}.{pair}] " if pair in self.of_pair else f"{self.path}: "
                raise ConfigError(f"{where}{error}") from error
            if not is_on(table, published.kind):
                continue
            if table is not None and table.needs_levels and published.kind not in without_levels:
                raise ConfigError(self._without_levels(table, pair))
            rules.append(rule)
        if not rules:
            raise ConfigError(f"{self.path}: every kind is switched off; leave at least one enabled")
        return tuple(rules)

    def budgets_of(self, pair: str) -> dict[Kind, float]:
        """Return false alarms in 252 sessions by kind, of the kinds that are enabled and have a budget."""
        return {
            kind: table.budget
            for kind, table in self.tables_of(pair).items()
            if table.budget is not None and is_on(table, kind)
        }

    def _without_levels(self, table: RuleTable, pair: str | None) -> str:
        command = f"convex calibrate --pair {pair or 'PAIR'} --gold FILE --iwm FILE --rules {self.path}"
        return (
            f"{self.path}: {table.name} {BUDGET}: has no levels yet"
            f"{f' for pair {pair}' if pair else ''}; find them with: "
            f"{command} --out false_alarms.toml --rules-out calibrated_rules.toml"
        )


def read_rules_file(path: Path | None) -> RulesFile:
    """Read and check the tables.

    Raises
    ------
    ConfigError
        With file, table and field: not TOML, an unknown table or field, a value that is not a number of the
        field's type, a budget out of range.
    """
    if path is None:
        return RulesFile()
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: must be UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: {error}") from error
    return check_rules(content, path=path)


def check_rules(content: Mapping[str, Any], *, path: Path) -> RulesFile:
    """Check tables that have been read already.

    Parameters
    ----------
    content
        A rules file as `tomllib` reads it.
    path
        What errors call it.

    Raises
    ------
    ConfigError
        As `read_rules_file`.

    Examples
    --------
    >>> check_rules({"ratio_stretch": {"warning": 2.5}}, path=Path("rules")).rules_of("gold-iwm")[0].warning
    2.5
    >>> check_rules({"ratio": {}}, path=Path("rules"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    shared.errors.ConfigError: rules: [ratio] is no kind of divergence; known are ratio_stretch, ...
    """
    general = {name: table for name, table in content.items() if name != PAIRS}
    try:
        return RulesFile(
            path=path, general=_tables(general, prefix=""), of_pair=_of_pairs(content.get(PAIRS, {}))
        )
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def load_rules(path: Path | None, *, pair: str | None = None) -> tuple[Rule, ...]:
    """Return the rules of a file, the default ones without a file.

    The file has one table for each kind, such as ``[ratio_stretch]`` with ``warning = 2.0``; what it leaves
    out keeps its published value, and ``enabled = false`` silences the kind. A kind that does not open by
    default does so once the file has a table for it.

    Parameters
    ----------
    pair
        The pair whose own tables, such as ``[pairs.gold-iwm.ratio_stretch]``, are laid over the general
        ones; by default none.

    Raises
    ------
    ConfigError
        With file, table and field: not TOML, an unknown table or field, a value that is not a number of the
        field's type (text and booleans are none), levels out of order, a length of time out of range, a
        budget without levels, no kind left.
    """
    return DEFAULT_RULES if path is None else read_rules_file(path).rules_of(pair)


def load_rules_of_pairs(path: Path | None, pairs: Iterable[str]) -> RulesByPair:
    """Return the rules of every pair of an installation.

    Parameters
    ----------
    pairs
        Names of all its pairs.

    Raises
    ------
    ConfigError
        As `load_rules`; also if the file has tables of a pair that is not among them.
    """
    file, names = read_rules_file(path), list(pairs)
    for pair in file.of_pair:
        if pair not in names:
            raise ConfigError(f"{path}: [{PAIRS}.{pair}] is no pair; known are {', '.join(names)}")
    shared: dict[tuple[Rule, ...], tuple[Rule, ...]] = {}
    of_pair = {}
    for pair in file.of_pair:
        rules = file.rules_of(pair)
        of_pair[pair] = shared.setdefault(rules, rules)
    first = next((name for name in names if name not in of_pair), None)
    # Where each pair has its own, a general budget without levels binds nobody.
    general = () if first is None else file.rules_of(first)
    return RulesByPair(general=general, of_pair=of_pair)


def _of_pairs(content: object) -> dict[str, Tables]:
    if not isinstance(content, dict):
        raise ConfigError(f"{PAIRS} must be tables, [{PAIRS}.PAIR.KIND], was {content!r}")
    for pair, tables in content.items():
        if not isinstance(tables, dict):
            raise ConfigError(f"{PAIRS}.{pair} must be tables, [{PAIRS}.{pair}.KIND], was {tables!r}")
    return {pair: _tables(tables, prefix=f"{PAIRS}.{pair}.") for pair, tables in content.items()}


def _tables(content: dict[str, Any], *, prefix: str) -> Tables:
    kinds = [kind.value for kind in Kind]
    found: dict[Kind, RuleTable] = {}
    for name, table in content.items():
        if name not in kinds:
            raise ConfigError(f"[{prefix}{name}] is no kind of divergence; known are {', '.join(kinds)}")
        found[Kind(name)] = read_rule_table(Kind(name), table, name=f"[{prefix}{name}]")
    return found
