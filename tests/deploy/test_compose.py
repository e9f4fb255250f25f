"""``docker-compose.yml`` is one that Compose accepts, gives no secret away and holds each container back."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from shared.health import Check, HealthServer

_ROOT = Path(__file__).parents[2]
_OURS = ("topics", "ingestor", "signals", "notifier", "dashboard")
_HEALTH_PORTS = {"ingestor": 9101, "signals": 9102, "notifier": 9103, "dashboard": 9104}


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """Return the services as they are written, anchors and merges resolved."""
    written: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load((_ROOT / "docker-compose.yml").read_text())
    return written["services"]


def _settings(name: str) -> dict[str, str]:
    lines = (_ROOT / "deploy" / "env" / name).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _compose() -> list[str]:
    for command in (["docker", "compose"], ["docker-compose"]):
        if (
            shutil.which(command[0])
            and not subprocess.run([*command, "version"], capture_output=True).returncode
        ):
            return command
    pytest.skip("Docker Compose is not on this machine (apt-get install docker-compose)")


@pytest.mark.parametrize("suffix", ["example", "own"])
def test_compose_accepts_the_file(tmp_path: Path, suffix: str) -> None:
    """As it is cloned, and with the operator's own copies of the examples."""
    shutil.copy(_ROOT / "docker-compose.yml", tmp_path)
    shutil.copytree(
        _ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("__pycache__", "*.own")
    )
    for example in (tmp_path / "deploy" / "env").glob("*.example"):
        example.rename(example.with_suffix(f".{suffix}"))

    result = subprocess.run(
        [*_compose(), "config"],
        cwd=tmp_path,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "SETTINGS": suffix},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    resolved = yaml.safe_load(result.stdout)["services"]
    assert resolved["signals"]["environment"]["CONVEX_KAFKA_BOOTSTRAP_SERVERS"] == "kafka:9092"


def test_every_container_is_held_back(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("privileged", False) is False, name
        # Kafka's image writes its configuration into itself at each start.
        assert service.get("read_only", False) is (name != "kafka"), name


def test_ports_are_open_to_this_machine_only(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]

    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_every_long_running_service_has_a_health_check(services: dict[str, dict[str, Any]]) -> None:
    assert {name for name, service in services.items() if "healthcheck" not in service} == {"topics"}


@pytest.mark.parametrize(("service", "port"), _HEALTH_PORTS.items())
def test_the_port_of_a_health_check_is_the_one_that_is_set_and_scraped(
    services: dict[str, dict[str, Any]], service: str, port: int
) -> None:
    prometheus = yaml.safe_load((_ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    scraped = {job["job_name"]: job["dns_sd_configs"][0] for job in prometheus["scrape_configs"]}

    assert services[service]["healthcheck"]["test"] == [
        "CMD",
        "python",
        "/opt/convex/bin/healthy.py",
        str(port),
    ]
    assert _settings("compose.defaults")[f"CONVEX_{service.upper()}_HEALTH__PORT"] == str(port)
    assert scraped[service] == {"names": [service], "type": "A", "port": port}


def test_services_start_after_their_topics_are_there(services: dict[str, dict[str, Any]]) -> None:
    for name in _HEALTH_PORTS:
        assert services[name]["depends_on"]["topics"] == {"condition": "service_completed_successfully"}
    assert services["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}


def test_each_service_is_built_with_its_own_extra(services: dict[str, dict[str, Any]]) -> None:
    for name in _HEALTH_PORTS:
        build, image = services[name]["build"], services[name]["image"]
        assert (build["args"], image) == ({"SERVICE": name}, f"convex-{name}")
        assert (_ROOT / build["context"] / build["dockerfile"]).exists()


def test_the_broker_is_the_release_that_the_tests_run(services: dict[str, dict[str, Any]]) -> None:
    script = _ROOT / "deploy" / "kafka" / "kafka"
    version = subprocess.run([script, "version"], capture_output=True, text=True, check=True).stdout.strip()

    assert services["kafka"]["image"] == f"apache/kafka:{version}"


def test_what_must_last_is_on_a_named_volume(services: dict[str, dict[str, Any]]) -> None:
    kept = {name: [volume for volume in service.get("volumes", []) if not volume.startswith("./")]
            for name, service in services.items()}  # fmt: skip

    assert {name: volumes for name, volumes in kept.items() if volumes} == {
        "kafka": ["kafka:/var/lib/kafka/data"],
        "notifier": ["notifier:/var/lib/convex"],
        "prometheus": ["prometheus:/prometheus"],
        "grafana": ["grafana:/var/lib/grafana"],
    }


def test_no_secret_is_in_a_committed_file() -> None:
    secret = re.compile(
        r"(?im)^[ \t]*[\w-]*(PASSWORD|SECRET|TOKEN|API_KEY|PRIVATE_KEY)\w*[ \t]*[:=][ \t]*\S+"
    )
    files = [_ROOT / "docker-compose.yml", *(_ROOT / "deploy").rglob("*")]

    found = [
        (file.name, match.group())
        for file in files
        if file.is_file() and file.suffix in {".yml", ".example", ".defaults", ".json"}
        for match in secret.finditer(file.read_text())
    ]

    assert found == []


def test_the_images_leave_settings_and_version_control_out() -> None:
    rules = (_ROOT / ".dockerignore").read_text().splitlines()
    allowed = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}

    assert "*" in rules
    assert "deploy/*" in rules
    assert allowed == {
        "pyproject.toml", "requirements.lock", "README.md", "LICENSE",
        "convex", "services", "shared", "deploy", "deploy/image",
    }  # fmt: skip


def test_the_image_runs_as_an_ordinary_user() -> None:
    last_stage = (_ROOT / "deploy" / "Dockerfile").read_text().rpartition("\nFROM ")[2]

    assert re.findall(r"^USER (.+)$", last_stage, re.MULTILINE) == ["10001:10001"]


def _check_health(port: int) -> subprocess.CompletedProcess[str]:
    script = _ROOT / "deploy" / "image" / "healthy.py"
    return subprocess.run(
        ["python3", script, str(port)], capture_output=True, text=True, timeout=20, check=False
    )


def test_the_health_check_passes_a_service_that_is_well() -> None:
    with HealthServer(CollectorRegistry(), host="127.0.0.1", port=0, live={}, ready={}) as server:
        result = _check_health(server.port)

    assert (result.returncode, result.stderr) == (0, "")


def test_the_health_check_fails_a_service_that_is_not() -> None:
    live: dict[str, Check] = {"loop": lambda: "blocked for 61 s"}
    with HealthServer(CollectorRegistry(), host="127.0.0.1", port=0, live=live, ready={}) as server:
        result = _check_health(server.port)

    assert result.returncode == 1
    assert "503" in result.stderr
    assert "blocked for 61 s" in result.stderr


def test_the_health_check_fails_when_nothing_listens() -> None:
    with HealthServer(CollectorRegistry(), host="127.0.0.1", port=0, live={}, ready={}) as server:
        port = server.port

    result = _check_health(port)

    assert result.returncode == 1
    assert result.stderr.startswith(f"no answer on port {port}")
