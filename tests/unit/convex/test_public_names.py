"""``import convex`` takes no time, and people and type checkers find the same names in it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import convex

_TOP = Path(__file__).parents[3]
_MYPY = (sys.executable, "-m", "mypy", "--strict")
_SNIPPET = """
from pathlib import Path

import pandas as pd

import convex
from convex import BacktestResult, InputError, Kind, Rule


def ask(gold: pd.DataFrame, iwm: "pd.Series[float]") -> BacktestResult:
    try:
        rule = Rule(kind=Kind.RATIO_STRETCH, warning=2.5)
        result = convex.backtest(gold, iwm, rules=rule, start="2019-01-02")
    except InputError as error:
        raise SystemExit(str(error)) from error
    statistics: pd.DataFrame = result.statistics
    ids: list[str] = [event.event_id for event in result.event_values]
    print(statistics, ids)
    return convex.backtest([Path("gold.csv"), gold], "iwm.csv", rules={"ratio_stretch": {"warning": 2.5}})


convex.backtest(1, "iwm.csv")  # type: ignore[arg-type]  # a number is no leg
convex.backtest("gold.csv", "iwm.csv", rule=None)  # type: ignore[call-arg]  # it is called rules
"""


def test_importing_the_package_imports_nothing_that_takes_time() -> None:
    program = "import sys; before = set(sys.modules); import convex; print(*set(sys.modules) - before)"

    ran = subprocess.run([sys.executable, "-S", "-c", program], cwd=_TOP, capture_output=True, text=True)

    assert ran.returncode == 0, ran.stderr
    assert "convex" in ran.stdout.split()
    assert {name for name in ran.stdout.split() if name.partition(".")[0] not in sys.stdlib_module_names} == {
        "convex"
    }


def test_the_names_of_the_package_are_those_that_its_types_declare() -> None:
    stub = ast.parse((_TOP / "convex" / "__init__.pyi").read_text())
    declared = {
        alias.asname or alias.name
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    where = {
        alias.name: node.module
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert set(convex.__all__) == declared <= set(dir(convex))
    for name in convex.__all__:
        assert getattr(convex, name) is getattr(sys.modules[str(where[name])], name)
    with pytest.raises(AttributeError, match="module 'convex' has no attribute 'backtests'"):
        getattr(convex, "backtests")  # noqa: B009 - a name that mypy would refuse


def test_the_packages_of_the_engine_do_not_hide_the_function() -> None:
    program = (
        "import convex.backtesting.run, convex.dataframes.result, convex; print(callable(convex.backtest))"
    )

    ran = subprocess.run([sys.executable, "-c", program], cwd=_TOP, capture_output=True, text=True)

    assert ran.stdout == "True\n"


def test_a_missing_library_is_named_with_the_way_to_get_it() -> None:
    program = "import sys; sys.modules['pandas'] = None; import convex; convex.backtest"

    ran = subprocess.run([sys.executable, "-c", program], cwd=_TOP, capture_output=True, text=True)

    said = "ImportError: convex.backtest needs pandas: pip install 'convex-alerts[research]'"
    assert ran.stderr.splitlines()[-1] == said


@pytest.mark.parametrize("package", ["convex", "services", "shared"])
def test_the_types_of_each_package_are_shipped(package: str) -> None:
    assert (_TOP / package / "py.typed").exists()


@pytest.mark.slow
def test_a_type_checker_takes_a_correct_program_and_refuses_a_wrong_one(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(_SNIPPET)

    ran = subprocess.run(
        # As it is where the packages are installed: errors inside of them are not the program's.
        [*_MYPY, "--follow-imports", "silent", "--cache-dir", str(tmp_path / "cache"), "program.py"],
        cwd=tmp_path,
        env={"MYPYPATH": str(_TOP), "PATH": ""},
        capture_output=True,
        text=True,
    )

    assert ran.stdout == "Success: no issues found in 1 source file\n", ran.stdout
