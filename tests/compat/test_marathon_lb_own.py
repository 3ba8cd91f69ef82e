"""Without a command milepost runs HAProxy itself: the flags become its settings, and HAProxy goes on afterwards."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from milepost.compat.marathon_lb.arguments import read_arguments
from milepost.compat.marathon_lb.own import settings_of, without_effect
from milepost.errors import SettingsError
from milepost.proxies.haproxy.binary import Binary
from milepost.settings.values import Settings
from support.haproxy import each_haproxy
from support.site import Site, site
from support.traffic import fake_tasks, get


def settings(line: str, **environ: str) -> Settings:
    arguments = read_arguments(["--group", "external", *line.split()], "marathon-lb", environ)
    assert arguments is not None
    return settings_of(arguments, environ)


def test_the_flags_become_settings(tmp_path: Path) -> None:
    certificate = tmp_path / "site.pem"
    found = settings(
        "-m http://a:1 http://b:2 --group internal --strict-mode --auth-credentials me:a:b "
        f"--haproxy-config {tmp_path}/lb.cfg --ssl-certs {certificate} --min-serv 20000 --max-serv 20010"
    )
    (cluster,) = found.sources.marathon
    assert cluster.urls == ("http://a:1", "http://b:2")
    assert (cluster.user, cluster.password, cluster.tls_verify) == ("me", "a:b", True)
    assert cluster.read_interval_s == 300
    routing = found.routing
    assert (routing.groups, routing.strict, routing.health_check) == (("external", "internal"), True, False)
    assert routing.assign_ports == (20000, 20010)
    assert found.haproxy.config == tmp_path / "lb.cfg"
    assert found.haproxy.certificates == (certificate,)
    ports = found.haproxy.http_port, found.haproxy.https_port, found.haproxy.stats_port, found.haproxy.appid_port
    assert ports == (80, 443, 9090, 9091)


def test_what_is_switched_off_is_off() -> None:
    found = settings("--dont-bind-http-https --min-serv 0 --max-serv 0 --trust-any-certificate")
    assert (found.haproxy.http_port, found.haproxy.https_port) == (0, 0)
    assert found.routing.assign_ports is None
    assert not found.sources.marathon[0].tls_verify


@pytest.mark.parametrize(("line", "raw"), [("", "section"), ("--trust-app-labels", "trusted")])
def test_owners_are_trusted_with_haproxys_text_only_where_it_is_said(line: str, raw: str) -> None:
    assert settings(line).policy.raw == raw


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--skip-validation", ["--skip-validation"]),
        ("--group-https-by-vhost --old-directives", ["--group-https-by-vhost", "--old-directives"]),
        ("--haproxy-map --archive-versions 3", []),
    ],
)
def test_what_has_no_effect_on_a_haproxy_of_our_own_is_told(line: str, words: list[str]) -> None:
    arguments = read_arguments(["--group", "x", *line.split()], "marathon-lb", {})
    assert arguments is not None
    told = list(without_effect(arguments))
    assert len(told) == len(words)
    assert all(word in warning for word, warning in zip(words, told, strict=True))


def test_the_balancers_own_app_and_the_folder_of_templates_become_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings("").haproxy.templates is None
    (tmp_path / "templates").mkdir()
    found = settings("", FRAMEWORK_NAME="dcos/lb")
    assert found.routing.skip == ("/dcos/lb",)
    assert found.haproxy.templates == tmp_path / "templates"


def test_what_no_flag_says_comes_from_milepost_s_own_variables(tmp_path: Path) -> None:
    assert settings("", MILEPOST_STATE_DIR=str(tmp_path)).state_dir == tmp_path
    with pytest.raises(SettingsError, match="MILEPOST_HAPROXY_HTTP_PORTT"):
        settings("", MILEPOST_HAPROXY_HTTP_PORTT="1")


def command(at: Site, *flags: str) -> list[str]:
    words = ["marathon-lb", "--own-haproxy", "--group", "external", "-m", at.marathon.url]
    words += ["--haproxy-config", str(at.config), "--dont-bind-http-https", *flags]
    return [sys.executable, "-m", "milepost", *words]


async def run_to_end(at: Site, *flags: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "MILEPOST_CONFIG": str(at.settings), **variables}
    run = partial(
        subprocess.run, command(at, *flags), env=environ, cwd=at.folder, capture_output=True, text=True, check=False
    )
    return await to_thread.run_sync(run)


@pytest.mark.system
@pytest.mark.anyio
@each_haproxy
async def test_a_pass_leaves_haproxy_running_and_the_next_one_changes_servers_without_a_reload(
    binary: Binary, tmp_path: Path
) -> None:
    async with site(binary, tmp_path) as at, fake_tasks(2) as (old, new):
        at.has(old)
        first = await run_to_end(at)
        assert (first.returncode, (await get(at.port)).body) == (0, str(old.port)), first.stderr
        worker = (await at.processes()).worker
        at.has(new)
        second = await run_to_end(at)
        assert (second.returncode, (await get(at.port)).body) == (0, str(new.port)), second.stderr
        assert (await at.processes()).worker == worker
        assert f"127.0.0.1:{new.port}" in at.config.read_text()


@pytest.mark.system
@pytest.mark.anyio
@each_haproxy
async def test_templates_options_and_the_balancers_own_app_are_heeded(binary: Binary, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "HAPROXY_BACKEND_HEAD").write_text("backend {backend}\n  balance leastconn\n")
    words = {"HAPROXY_BACKEND_HTTP_OPTIONS": "http-request return status 418", "FRAMEWORK_NAME": "web"}
    options = {"HAPROXY_GLOBAL_DEFAULT_OPTIONS": "httpclose"}
    async with site(binary, tmp_path) as at, fake_tasks(1) as (task,):
        at.has(task)
        first = await run_to_end(at, HAPROXY_BACKEND_HTTP_OPTIONS=words["HAPROXY_BACKEND_HTTP_OPTIONS"], **options)
        assert (first.returncode, (await get(at.port)).status) == (0, 418), first.stderr
        text = at.config.read_text()
        assert "  balance leastconn\n" in text
        assert "  option httpclose\n" in text
        (tmp_path / "templates" / "HAPROXY_BACKEND_HEAD").write_text("backend {bakend}\n")
        refused = await run_to_end(at)
        assert refused.returncode == 1
        assert "templates/HAPROXY_BACKEND_HEAD: " in refused.stderr
        assert (await get(at.port)).status == 418
        (tmp_path / "templates" / "HAPROXY_BACKEND_HEAD").unlink()
        last = await run_to_end(at, **words)
        assert (last.returncode, "backend web_" in at.config.read_text()) == (0, False), last.stderr


@pytest.mark.system
@pytest.mark.anyio
@pytest.mark.skipif(os.geteuid() != 0, reason="missing capability: root")
@each_haproxy
async def test_one_pass_names_a_folder_that_haproxys_user_cannot_enter(
    binary: Binary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(binary, tmp_path) as at:
        monkeypatch.setenv("MILEPOST_HAPROXY_USER", "nobody")
        ended = await run_to_end(at)
        assert ended.returncode == 1
        assert "haproxy.user: nobody may not enter" in ended.stderr
        assert not at.config.exists()


@pytest.mark.system
@pytest.mark.anyio
@each_haproxy
async def test_a_marathon_that_does_not_answer_ends_it_with_1_in_words(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path) as at:
        await at.marathon.stop()
        for flags in ([], ["--command", "true"]):
            ended = await run_to_end(at, *flags)
            assert ended.returncode == 1
            assert f"marathon_lb: {at.marathon.url}: " in ended.stderr
            assert "; nothing is changed\n" in ended.stderr
            assert "Traceback" not in ended.stderr


@pytest.mark.system
@pytest.mark.anyio
@each_haproxy
async def test_it_stays_with_sse_and_heeds_events_hangups_and_the_end(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path) as at, fake_tasks(3) as (old, new, last):
        at.has(old)
        environ = {**os.environ, "MILEPOST_CONFIG": str(at.settings)}
        async with await anyio.open_process(command(at, "--sse"), env=environ, stdout=None, stderr=None) as process:
            await at.until_healthy()
            assert (await get(at.port)).body == str(old.port)
            at.has(new)
            at.tell()
            await until_answered_by(at, new.port)
            at.has(last)
            process.send_signal(signal.SIGHUP)
            await until_answered_by(at, last.port)
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
        assert (await get(at.port)).body == str(last.port)


async def until_answered_by(at: Site, port: int) -> None:
    with anyio.fail_after(20):
        while (await get(at.port)).body != str(port):
            await anyio.sleep(0.02)
