"""Carrying out a startup: files, certificate, kernel parameters, and the command that is run again and again."""

import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
import httpx2
from anyio.abc import Process

from milepost.compat.container.startup import Folders, SecretFile, Startup, Vault, credentials_line
from milepost.errors import MilepostError, SettingsError

_log = logging.getLogger(__name__)

_PAUSE_S = 1.0  # before a command that ended is started again
_USAGE = 2
_VAULT_TIMEOUT_S = 10.0
_ENDING = (signal.SIGTERM, signal.SIGINT)
_PASSED_ON = (*_ENDING, signal.SIGHUP, signal.SIGUSR1)


def prepare(startup: Startup, folders: Folders) -> None:
    """All that comes before the command. Raises MilepostError; what was written by then stays."""
    for warning in startup.warnings:
        _log.warning(warning)
    folders.work.mkdir(parents=True, exist_ok=True)
    folders.certificates.mkdir(parents=True, exist_ok=True)
    for file in startup.files:
        _write(file)
    if startup.self_signed is not None and not startup.self_signed.exists():
        make_certificate(startup.self_signed)
    if startup.templates is not None and startup.templates[0].is_dir():
        shutil.copytree(*startup.templates, dirs_exist_ok=True)
    if startup.sysctl:
        _set_kernel_parameters(startup.sysctl, is_strict=startup.is_sysctl_strict)
    if startup.vault is not None:
        _write(SecretFile(folders.credentials, ask_vault(startup.vault)))


async def run(startup: Startup, folders: Folders, command: Sequence[str], end: Sequence[str]) -> int:
    """Run `command` with the startup's arguments until a signal ends us, then `end`; returns the exit status.

    HUP and USR1 are passed on. A usage error is not tried again.
    """
    status = 0
    with anyio.open_signal_receiver(*_PASSED_ON) as signals:
        async with anyio.create_task_group() as tasks:
            runner = _Runner([*command, *startup.arguments], startup, folders.work)

            async def keep_running() -> None:
                nonlocal status
                status = await runner.run()
                tasks.cancel_scope.cancel()

            tasks.start_soon(keep_running)
            async for number in signals:
                runner.send(number)
                if number in _ENDING and runner.is_idle:
                    tasks.cancel_scope.cancel()
                    break
    await anyio.run_process(end, check=False, env=dict(startup.environment), stdout=None, stderr=None)
    return status


class _Runner:
    """The command, run over and over."""

    def __init__(self, command: Sequence[str], startup: Startup, folder: Path) -> None:
        self._command, self._startup, self._folder = command, startup, folder
        self._process: Process | None = None
        self._is_ending = False

    @property
    def is_idle(self) -> bool:
        return self._process is None

    def send(self, number: signal.Signals) -> None:
        self._is_ending |= number in _ENDING
        if self._process is not None:
            self._process.send_signal(number)

    async def run(self) -> int:
        """Returns once it was told to end, or with a usage error."""
        pause_s = self._startup.poll_interval_s if self._startup.is_poll else _PAUSE_S
        while not self._is_ending:
            status = await self._run_once()
            if status == _USAGE:
                return status
            if not self._is_ending:
                await anyio.sleep(pause_s)
        return 0

    async def _run_once(self) -> int:
        environment = dict(self._startup.environment)
        async with await anyio.open_process(
            self._command, stdin=subprocess.DEVNULL, stdout=None, stderr=None, cwd=self._folder, env=environment
        ) as self._process:
            status = await self._process.wait()
        self._process = None
        return status


def commands() -> tuple[list[str], list[str]]:
    """marathon-lb's command, and the one that ends HAProxy with its requests finished."""
    milepost = [sys.executable, "-m", "milepost"]
    return [*milepost, "marathon-lb"], [*milepost, "proxy", "stop"]


def make_certificate(path: Path) -> None:
    """One that signs itself, for whatever name, ten years long, with its key behind it. Raises MilepostError."""
    key = path.with_suffix(".key.new")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=*"]
    try:
        made = subprocess.run([*command, "-keyout", str(key)], capture_output=True, text=True, check=True)  # noqa: S603  # our own words
        _write(SecretFile(path, made.stdout + key.read_text()))
    except (OSError, subprocess.CalledProcessError) as error:
        raise MilepostError(
            f"no certificate is given, and {path} cannot be made: {getattr(error, 'strerror', '') or error}; "
            "give one with HAPROXY_SSL_CERT or --ssl-certs, or install openssl"
        ) from error
    finally:
        key.unlink(missing_ok=True)


def ask_vault(vault: Vault) -> str:
    """User and password as the file of credentials wants them. Raises MilepostError where Vault does not tell."""
    try:
        answer = httpx2.get(vault.url, headers={"X-Vault-Token": vault.token}, timeout=_VAULT_TIMEOUT_S)
        answer.raise_for_status()
        data = answer.json()["data"]
        return credentials_line(data["user"], data["pass"])
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, KeyError, TypeError) as error:
        reason = str(error) if isinstance(error, httpx2.HTTPError) else "its answer has no data.user and data.pass"
        raise MilepostError(f"Vault at {vault.url} gives no credentials for Marathon: {reason}") from error


def _set_kernel_parameters(words: Sequence[str], *, is_strict: bool) -> None:
    try:
        subprocess.run(["sysctl", "-w", *words], check=True, stdout=subprocess.DEVNULL)  # noqa: S603, S607  # the operator's words
    except (OSError, subprocess.CalledProcessError) as error:
        if is_strict:
            raise SettingsError(
                f"HAPROXY_SYSCTL_PARAMS: sysctl -w {' '.join(words)} failed: {error}; "
                "with HAPROXY_SYSCTL_NONSTRICT the start goes on"
            ) from error
        _log.warning("HAPROXY_SYSCTL_PARAMS: sysctl -w %s failed: %s", " ".join(words), error)


def _write(file: SecretFile) -> None:
    try:
        descriptor = os.open(file.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(file.text)
    except OSError as error:
        raise MilepostError(f"{file.path} cannot be written: {error.strerror}") from error
