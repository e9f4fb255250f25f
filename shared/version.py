"""The version of this code, as shown in events and metrics."""

from importlib.metadata import version

CODE_VERSION = version("convex-alerts")
