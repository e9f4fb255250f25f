"""Everything an operator can change about signals."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.config import HealthSettings


class SignalsSettings(BaseSettings):
    """Settings of the signals service; units stand in the names."""

    model_config = SettingsConfigDict(
        env_prefix="CONVEX_SIGNALS_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    group: str = Field(default="convex-signals", description="Kafka consumer group; all workers share it.")
    instance_id: str = Field(
        default="signals-1",
        pattern=r"^[a-zA-Z0-9._-]{1,100}$",
        description="Name of this worker: unique in the group and stable over restarts.",
    )
    rules_file: Path | None = Field(
        default=None, description="TOML file with the rules' thresholds; the default ones when not set."
    )
    false_alarms_file: Path | None = Field(
        default=None,
        description="What convex calibrate wrote; the shipped figures of the published rules when not set.",
    )
    checkpoint_every_records: int = Field(
        default=1_000,
        ge=1,
        description="Records after which a checkpoint follows, at the end of their batch.",
    )
    proof_key_file: Path | None = Field(
        default=None,
        description="PEM file of an ed25519 private key that signs the proofs of each day; no signature when "
        "not set.",
    )
    session_timeout_seconds: float = Field(
        default=10.0, ge=1, le=30, description="A dead worker's partitions move after this long."
    )
    stall_after_seconds: float = Field(
        default=60.0, ge=5, description="A worker with lag and no progress for this long ends itself."
    )
    health: HealthSettings = Field(
        default=HealthSettings(), description="Where metrics and probes are served."
    )
