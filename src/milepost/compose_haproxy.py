"""The part of the composition root about HAProxy: from settings to the proxy as the loop drives it."""

import os
import resource
from pathlib import Path

from milepost.compose_policy import texts_of
from milepost.errors import ProxyError, SettingsError
from milepost.model.notice import (
    Notify,
)
from milepost.model.problem import Problem
from milepost.proxies.haproxy.account import Account, account_of
from milepost.proxies.haproxy.binary import OLDEST, Binary, find_binary
from milepost.proxies.haproxy.certificate_check import CertificateCheck
from milepost.proxies.haproxy.certificate_files import LIST, OF_APPS
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.proxies.haproxy.drain import DRAIN_MAP
from milepost.proxies.haproxy.error_pages import ErrorPages, pages_of
from milepost.proxies.haproxy.keychain import Keychain
from milepost.proxies.haproxy.keyring import Keyring
from milepost.proxies.haproxy.old_workers import Room
from milepost.proxies.haproxy.operator.texts import OperatorTexts
from milepost.proxies.haproxy.operator.trial import try_texts
from milepost.proxies.haproxy.operator_files import SERVER_CA, newest_copy, take_certificates
from milepost.proxies.haproxy.process import named_environment
from milepost.proxies.haproxy.proxy import HaproxyProxy, Places
from milepost.settings.values import Settings


def account_of_worker(settings: Settings) -> Account:
    """Whom HAProxy's worker runs as. Raises SettingsError."""
    haproxy = settings.haproxy
    return account_of(haproxy.user, haproxy.group, is_own=haproxy.mode == "own")


def binary_of(settings: Settings) -> Binary | None:
    """The HAProxy program. Attached to a HAProxy of somebody else's it is only there to check with, if at all."""
    haproxy = settings.haproxy
    try:
        return find_binary(haproxy.binary, allow_bundled=haproxy.allow_bundled)
    except ProxyError:
        if haproxy.mode == "own":
            raise
        return None


def keychain_of(settings: Settings, binary: Binary | None) -> Keychain:
    """The certificates of the settings, and those that apps name."""
    folder = certificate_folder(settings)
    environment = named_environment(settings.haproxy.environment, os.environ)
    shared, of_apps = (
        Keyring(places, where, CertificateCheck(binary.path if binary else None, where, environment))
        for places, where in ((settings.haproxy.certificates, folder), ((), folder / OF_APPS))
    )
    return Keychain(shared, of_apps)


async def take_over_files(settings: Settings, binary: Binary | None) -> tuple[Problem, ...]:
    """Copy the files of the operator's that HAProxy is to read; what is wrong with them.

    Raises SettingsError where nothing good was ever read, ProxyError where a copy cannot be written.
    """
    folder, haproxy, problems = _taken_over(settings), settings.haproxy, []
    folder.mkdir(exist_ok=True)
    source = haproxy.server_ca_file
    if source is not None and (why := take_certificates(source, folder)):
        if newest_copy(folder, SERVER_CA) is None:
            raise SettingsError(f"haproxy.server_ca_file: {source} {why}")
        problems.append(Problem("", str(source), f"{source} {why}; the certificates that were read last are trusted"))
    if haproxy.error_pages is not None:
        environment = named_environment(haproxy.environment, os.environ)
        wrong = await ErrorPages(folder, binary.path if binary else None, environment).take_over(haproxy.error_pages)
        why = "what was read last from there, if anything, is shown"
        problems += [Problem("", str(path), f"error page {path}: {words}; {why}") for path, words in wrong.items()]
    return tuple(problems)


def _taken_over(settings: Settings) -> Path:
    """Where the copies of such files lie."""
    return settings.state_dir / "taken-over"


def certificate_folder(settings: Settings) -> Path:
    """Where HAProxy reads certificates: milepost's copies."""
    return settings.state_dir / "certificates"


def haproxy_of(
    settings: Settings,
    binary: Binary | None,
    notify: Notify,
    keychain: Keychain | None = None,
    problems: tuple[Problem, ...] = (),
    texts: OperatorTexts | None = None,
) -> HaproxyProxy:
    """HAProxy as the loop drives it."""
    is_own = settings.haproxy.mode == "own"
    return HaproxyProxy(
        designer_of(settings, binary, texts),
        places_of(settings),
        notify,
        binary=binary.path if binary else None,
        environment=named_environment(settings.haproxy.environment, os.environ),
        is_own=is_own,
        tunnel_limit_s=settings.haproxy.tunnel_limit_s,
        room=Room(settings.haproxy.old_workers, settings.haproxy.old_workers_memory),
        heals=settings.haproxy.foreign_changes == "heal",
        max_files=max_files() if is_own else None,  # attached, HAProxy has its limit from elsewhere
        keyring=keychain,
        problems=problems,
    )


def designer_of(settings: Settings, binary: Binary | None, texts: OperatorTexts | None = None) -> RunDesigner:
    """What decides the configuration; for the oldest version that milepost knows where there is no program to ask."""
    return RunDesigner(profile_of(settings, binary.numbers if binary else OLDEST, max_files(), texts))


async def tried(texts: OperatorTexts, settings: Settings, binary: Binary | None) -> None:
    """Raises SettingsError where HAProxy refuses the operator's own texts: no app is to pay for these."""
    if texts and binary is not None:
        profile = profile_of(settings, binary.numbers, max_files(), texts)
        environment = named_environment(settings.haproxy.environment, os.environ)
        await try_texts(texts, profile, binary.path, settings.state_dir, environment)


def max_files() -> int:
    """The hard limit on open files: what we start inherits it."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def places_of(settings: Settings) -> Places:
    """Where HAProxy's things lie."""
    return Places(
        config=settings.haproxy.config,
        admin_socket=settings.admin_socket,
        master_socket=settings.master_socket,
        pid_file=settings.state_dir / "haproxy.pid",
        drain_map=settings.map_dir / DRAIN_MAP,
    )


def profile_of(
    settings: Settings, version: tuple[int, int], max_files: int, texts: OperatorTexts | None = None
) -> Profile:
    """How HAProxy of `version` is written, which may have `max_files` open files."""
    haproxy, account, ca_file = settings.haproxy, account_of_worker(settings), settings.haproxy.server_ca_file
    texts = texts_of(settings) if texts is None else texts
    return Profile(
        admin_socket=str(settings.admin_socket),
        map_dir=str(settings.map_dir),
        max_files=max_files,
        bind=haproxy.bind,
        http_port=haproxy.http_port,
        https_port=haproxy.https_port,
        appid_port=haproxy.appid_port,
        stats_port=haproxy.stats_port,
        certificate_list=str(certificate_folder(settings) / LIST) if haproxy.certificates else "",
        app_certificates=str(certificate_folder(settings) / OF_APPS),
        log=haproxy.log,
        log_socket=str(settings.log_socket),
        slow_start_s=haproxy.slow_start_s,
        accept_proxy=haproxy.accept_proxy,
        trusted_networks=haproxy.trusted_networks,
        error_pages=pages_of(haproxy.error_pages, _taken_over(settings)) if haproxy.error_pages else (),
        deny=haproxy.deny,
        server_ca=str(newest_copy(_taken_over(settings), SERVER_CA) or ca_file) if ca_file else "",
        hard_stop_after_s=haproxy.hard_stop_after_s,
        trusts_owners=settings.policy.raw == "trusted",
        version=version,
        endpoints_socket=str(settings.endpoints_socket),
        stats_trusted=haproxy.stats_trusted,
        user=account.user,
        group=account.group,
        heads=texts.heads,
        global_lines=texts.global_lines,
        defaults_lines=texts.defaults_lines,
    )
