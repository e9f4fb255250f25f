"""The version of this code, as events and metrics carry it."""

from importlib.metadata import version

CODE_VERSION = version("convex-alerts")
