"""The operator's texts before HAProxy's check, at start: refused later, they would take every app along."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from anyio import to_thread

from milepost.errors import SettingsError
from milepost.model.routing import Endpoint, RoutingTable, Service
from milepost.proxies.haproxy.check import Alert, check
from milepost.proxies.haproxy.config import Desired, Profile
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.proxies.haproxy.names import HTTP_IN
from milepost.proxies.haproxy.operator.kinds import kinds
from milepost.proxies.haproxy.operator.texts import OperatorTexts
from milepost.proxies.haproxy.render import render, render_map


async def try_texts(
    texts: OperatorTexts, profile: Profile, binary: Path, folder: Path, environment: Mapping[str, str]
) -> None:
    """Have HAProxy check them on services of all kinds, in a directory in `folder` that is gone afterwards.

    Raises SettingsError with HAProxy's words, ProxyError where it cannot be asked.
    """
    with TemporaryDirectory(prefix="trial-", dir=folder) as place:
        desired = _desired(texts, replace(profile, map_dir=place))
        candidate, text = Path(place) / "haproxy.cfg", render(desired)
        await to_thread.run_sync(partial(_write, candidate, text, desired))
        checked = await check(binary, candidate, text, environment)
    if checked.alerts:
        raise SettingsError(f"HAProxy refuses the operator's own text: {_told(checked.alerts[0], text)}")


def _desired(texts: OperatorTexts, profile: Profile) -> Desired:
    """One frontend has the lines of all: those of the others may be switched off."""
    heads = {HTTP_IN: tuple(dict.fromkeys(line for lines in profile.heads.values() for line in lines))}
    overlay = texts.overlay(trusts_owners=profile.trusts_owners)
    found = (overlay(kind).service if overlay else kind for kind in kinds())
    services: tuple[Service, ...] = tuple(service for service in found if service is not None)
    pools = {service.name: (Endpoint("task", "192.0.2.1", "192.0.2.1", 80),) for service in services}
    designer = RunDesigner(replace(profile, http_port=profile.http_port or 80, certificate_list="", heads=heads))
    return designer.desired(RoutingTable(services, pools))


def _write(candidate: Path, text: str, desired: Desired) -> None:
    candidate.write_text(text, encoding="utf-8")
    for path in (*desired.maps, *desired.found_maps):
        Path(path).write_text(render_map(desired.maps.get(path, ())), encoding="utf-8")


def _told(alert: Alert, text: str) -> str:
    line = text.splitlines()[alert.line - 1].strip() if alert.line else ""
    return f"{line!r}: {alert.message}" if line else alert.message
