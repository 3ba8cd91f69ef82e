"""milepost's settings: from file, environment and options to one frozen value."""

from milepost.settings.cluster import MarathonCluster
from milepost.settings.load import load_settings
from milepost.settings.static import StaticApp
from milepost.settings.values import (
    GuardSettings,
    HAProxySettings,
    LogSettings,
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
    "StaticApp",
    "WebSettings",
    "load_settings",
]
