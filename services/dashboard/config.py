"""Everything an operator can change about the page, with units in the names."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.config import HealthSettings


class DashboardSettings(BaseSettings):
    """Settings of the dashboard."""

    model_config = SettingsConfigDict(
        env_prefix="CONVEX_DASHBOARD_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on; anyone who reaches it may read the page. 0.0.0.0 in a container.",
    )
    port: int = Field(default=8080, ge=1, le=65_535, description="Port of the page and the API.")
    max_streams: int = Field(
        default=100,
        ge=1,
        le=10_000,
        description="Live connections at a time; one more is refused.",
    )
    heartbeat_seconds: float = Field(
        default=5.0, gt=0, le=60, description="Longest silence on a live connection."
    )
    send_timeout_seconds: float = Field(
        default=10.0, gt=0, le=300, description="A live connection that takes nothing for so long is dropped."
    )
    least_interval_seconds: float = Field(
        default=0.25, ge=0, le=60, description="Least time between two updates on one live connection."
    )
    kept_divergences: int = Field(
        default=2_000, ge=1, le=100_000, description="Divergence events kept in memory of each pair."
    )
    health: HealthSettings = Field(default=HealthSettings(), description="Probes and metrics.")
