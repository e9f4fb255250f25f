"""The doctor on a bad day: every fault is named with what to do, and nothing is created by looking."""

import asyncio
import json
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from services.notifier.store.database import Database
from shared.health import Check, HealthServer
from shared.kafka.topics import ALL_TOPICS
from tests.integration.convex.conftest import Broker, Convex, Ran


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def findings(ran: Ran) -> dict[str, dict[str, str]]:
    return {each["check"]: each for each in map(json.loads, ran.out.splitlines())}


def test_unreachable_kafka_and_missing_file_fail_with_a_remedy(nowhere: str, convex: Convex) -> None:
    ran = convex("doctor", "--json")

    found = findings(ran)
    assert ran.code == 1
    assert {check for check, each in found.items() if each["verdict"] == "FAIL"} == {"kafka", "subscriptions"}
    assert nowhere in found["kafka"]["detail"]
    assert found["kafka"]["remedy"].startswith("start Kafka, or correct CONVEX_KAFKA_BOOTSTRAP_SERVERS")
    assert "subscriptions.toml: cannot be read" in found["subscriptions"]["detail"]
    assert found["topic ticks.v1"]["verdict"] == "skipped"
    assert not list(Path.cwd().iterdir())


def test_each_unusable_setting_is_named(
    nowhere: str, convex: Convex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVEX_NOTIFIER_REQUEST_TIMEOUT", "5")
    monkeypatch.setenv("CONVEX_SIGNALS_STALL_AFTER_SECONDS", "soon")
    monkeypatch.setenv("CONVEX_NOTIFIER_SMTP__PORT", "0")

    found = findings(convex("doctor", "--json"))

    assert found["configuration"]["verdict"] == "FAIL"
    for name in (
        "CONVEX_NOTIFIER_REQUEST_TIMEOUT is not a setting",
        "CONVEX_SIGNALS_STALL_AFTER_SECONDS: ",
        "CONVEX_NOTIFIER_SMTP__PORT: ",
    ):
        assert name in found["configuration"]["detail"]
    for check in ("rules", "subscriptions", "store", "smtp", "signals ready", "notifier ready"):
        assert found[check]["verdict"] == "skipped"


def test_log_level_is_a_known_setting(nowhere: str, convex: Convex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVEX_LOG_LEVEL", "DEBUG")

    assert findings(convex("doctor", "--json"))["configuration"]["verdict"] == "ok"


def test_unusable_files_are_named(
    nowhere: str, convex: Convex, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "rules.toml").write_text("[ratio_stretch]\nleave = 9.0\n")
    (tmp_path / "subscriptions.toml").write_text('[[subscription]]\nname = "a"\nchannel = "pigeon"\n')
    monkeypatch.setenv("CONVEX_PAIRS", "pairs.toml")
    monkeypatch.setenv("CONVEX_SIGNALS_RULES_FILE", "rules.toml")
    monkeypatch.setenv("CONVEX_NOTIFIER_DATABASE_URL", "sqlite:///no/such/folder/notifier.db")

    found = findings(convex("doctor", "--json"))

    assert "pairs.toml: cannot be read" in found["pairs"]["detail"]
    assert "needs 0 <= leave < warning < critical" in found["rules"]["detail"]
    assert "subscription 1: channel" in found["subscriptions"]["detail"]
    assert "its folder does not exist" in found["store"]["detail"]
    assert all(found[check]["verdict"] == "FAIL" for check in ("pairs", "rules", "subscriptions", "store"))


@pytest.mark.parametrize(
    ("rules", "detail"),
    [
        (
            "[pairs.gold-imw.ratio_stretch]\nwarning = 2.5\n",
            "[pairs.gold-imw] is no pair; known are gold-iwm",
        ),
        (
            "[pairs.gold-iwm.ratio_stretch]\nfalse_alarms_per_year = 1\n",
            "has no levels yet for pair gold-iwm",
        ),
    ],
)
def test_rules_are_checked_for_the_pairs_of_the_installation(
    nowhere: str, convex: Convex, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rules: str, detail: str
) -> None:
    (tmp_path / "rules.toml").write_text(rules)
    monkeypatch.setenv("CONVEX_SIGNALS_RULES_FILE", "rules.toml")

    found = findings(convex("doctor", "--json"))

    assert found["rules"]["verdict"] == "FAIL"
    assert detail in found["rules"]["detail"]


@pytest.mark.parametrize(
    "url", ["sqlite:///notes.txt", "sqlite:///empty.db", "nosuchsql://host/db", "not a url"]
)
def test_store_that_cannot_be_used_fails(
    nowhere: str, convex: Convex, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str
) -> None:
    (tmp_path / "notes.txt").write_text("this is no database, whatever its name says")
    (tmp_path / "empty.db").touch()
    monkeypatch.setenv("CONVEX_NOTIFIER_DATABASE_URL", url)

    found = findings(convex("doctor", "--json"))["store"]

    assert found["verdict"] == "FAIL"
    assert "CONVEX_NOTIFIER_DATABASE_URL" in found["remedy"]


def test_mail_server_and_service_that_do_not_answer_fail(
    nowhere: str, convex: Convex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVEX_NOTIFIER_SMTP__HOST", "127.0.0.1")
    monkeypatch.setenv("CONVEX_NOTIFIER_SMTP__PORT", "1")
    monkeypatch.setenv("CONVEX_INGESTOR_HEALTH__PORT", "1")

    found = findings(convex("doctor", "--json"))

    assert found["smtp"]["verdict"] == found["ingestor ready"]["verdict"] == "FAIL"
    assert found["ingestor ready"]["remedy"] == "start it: convex ingestor"


def test_service_that_is_not_ready_says_why(
    nowhere: str, convex: Convex, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready: dict[str, Check] = {"assignment": lambda: "no partition is assigned to this worker"}
    with HealthServer(CollectorRegistry(), host="127.0.0.1", port=0, live={}, ready=ready) as server:
        monkeypatch.setenv("CONVEX_SIGNALS_HEALTH__HOST", "0.0.0.0")
        monkeypatch.setenv("CONVEX_SIGNALS_HEALTH__PORT", str(server.port))
        found = findings(convex("doctor", "--json"))

    assert found["signals ready"]["verdict"] == "FAIL"
    assert "assignment: no partition is assigned to this worker" in found["signals ready"]["detail"]


def test_missing_topics_fail_and_are_not_created(broker: Broker, convex: Convex) -> None:
    broker.make_topic("ticks.v1")

    found = findings(convex("doctor", "--json"))

    assert found["kafka"]["verdict"] == "ok"
    assert "1 broker" in found["kafka"]["detail"]
    assert found["topic ticks.v1"]["verdict"] == "ok"
    for topic in ALL_TOPICS[1:]:
        assert found[f"topic {topic.name}"]["detail"] == "does not exist"
        assert found[f"topic {topic.name}"]["remedy"] == "convex topics create"
    assert found["partitioning"]["verdict"] == "skipped"
    assert set(broker._producer.list_topics(timeout=5).topics) == {"ticks.v1"}


def test_terminal_output_has_a_line_for_each_check_and_a_count(nowhere: str, convex: Convex) -> None:
    ran = convex("doctor")

    lines = ran.out.splitlines()
    assert any(line.startswith("ok      python") for line in lines)
    assert any(line.startswith("FAIL    kafka") for line in lines)
    assert lines[-1].startswith("2 of ")
    assert "→ start Kafka" in ran.out


def test_postgresql_is_reachable_before_and_after_the_notifier_made_its_tables(
    nowhere: str, convex: Convex, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    async def make_tables() -> None:
        await (await Database.open(postgres_url, is_notifier=False)).close()

    monkeypatch.setenv("CONVEX_NOTIFIER_DATABASE_URL", postgres_url)

    before = findings(convex("doctor", "--json"))["store"]
    asyncio.run(make_tables())
    after = findings(convex("doctor", "--json"))["store"]

    assert (before["verdict"], after["verdict"]) == ("ok", "ok")
    assert before["detail"].endswith(" answers; the notifier will make its tables")
    assert after["detail"].endswith(" answers")
    assert ":***@" in after["detail"]


def test_postgresql_that_is_not_there_fails_without_the_password(
    nowhere: str, convex: Convex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "CONVEX_NOTIFIER_DATABASE_URL", "postgresql://convex:s3cret@127.0.0.1:1/convex?connect_timeout=2"
    )

    ran = convex("doctor", "--json")

    found = findings(ran)["store"]
    assert found["verdict"] == "FAIL"
    assert found["remedy"].startswith("start PostgreSQL, or correct host, port")
    assert "s3cret" not in ran.out + ran.err
