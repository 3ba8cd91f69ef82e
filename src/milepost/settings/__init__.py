"""milepost's settings: from file, environment and options to one frozen value."""

from milepost.settings.load import load_settings
from milepost.settings.values import (
    GuardSettings,
    HAProxySettings,
    LogSettings,
    MarathonCluster,
    PolicySettings,
    RoutingSettings,
    Settings,
    SourceSettings,
    WebSettings,
)

__all__ = [
    "GuardSettings",
    "HAProxySettings",
    "LogSettings",
    "MarathonCluster",
    "PolicySettings",
    "RoutingSettings",
    "Settings",
    "SourceSettings",
    "WebSettings",
    "load_settings",
]
