"""One pass for a HAProxy of somebody else's: what is written, checked and kept, and when it is reloaded."""

import errno
import os
import stat
from pathlib import Path

import pytest

from milepost.compat.marathon_lb.arguments import Arguments
from milepost.compat.marathon_lb.files import move
from milepost.compat.marathon_lb.foreign import poll
from milepost.compat.marathon_lb.validation import Validation
from milepost.errors import ProxyError, SettingsError, SourceError
from milepost.proxies.haproxy.binary import Binary
from support.fake_marathon import App, FakeMarathon, Reply, app, task
from support.haproxy import each_haproxy
from support.one_shot import Place

pytestmark = [pytest.mark.anyio, pytest.mark.system]

UNCHECKED = "--skip-validation"


def web(app_id: str = "/web", port: int = 10000, host: str = "10.0.0.1", **labels: str) -> App:
    mapping = {"containerPort": 80, "hostPort": 0, "servicePort": port}
    return app(
        app_id,
        tasks=[task(f"{app_id.strip('/')}.1", host=host)],
        labels={"HAPROXY_GROUP": "external", "HAPROXY_0_MODE": "http", **labels},
        container={"type": "DOCKER", "portMappings": [mapping]},
    )


async def run(place: Place, arguments: Arguments) -> None:
    await poll(arguments, place.command, place.environ)


async def test_a_pass_writes_the_file_and_reloads_and_the_next_does_neither(place: Place) -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web())
        await run(place, place.arguments(marathon, UNCHECKED))
        assert "server 10_0_0_1_31000 10.0.0.1:31000" in place.config.read_text()
        assert stat.S_IMODE(place.config.stat().st_mode) == 0o644
        written = place.config.stat()
        await run(place, place.arguments(marathon, UNCHECKED))
    assert place.reloads == 1
    assert place.config.stat().st_ino == written.st_ino


async def test_permissions_stay_and_nothing_temporary_is_left(place: Place) -> None:
    place.config.write_text("old")
    place.config.chmod(0o600)
    async with FakeMarathon() as marathon:
        marathon.put(web())
        await run(place, place.arguments(marathon, UNCHECKED, "--haproxy-map"))
    assert stat.S_IMODE(place.config.stat().st_mode) == 0o600
    names = {"haproxy.cfg", "domain2backend.map", "app2backend.map", "reloads", "copies"}
    assert {path.name for path in place.folder.iterdir()} == names


async def test_a_dry_run_prints_always_and_changes_nothing(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web())
        await run(place, place.arguments(marathon, "--dry"))
        assert not place.config.exists()
        printed = capsys.readouterr().out
        await run(place, place.arguments(marathon, UNCHECKED))
        await run(place, place.arguments(marathon, "--dry"))
    assert place.config.read_text() + "\n" == printed == capsys.readouterr().out
    assert place.reloads == 1


async def test_a_dry_run_tells_of_the_app_that_it_leaves_out(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web(HAPROXY_0_AUTH="only:two"))
        await run(place, place.arguments(marathon, "--dry"))
    (told,) = [record.getMessage() for record in caplog.records if record.getMessage().startswith("/web: ")]
    assert told.startswith("/web: HAPROXY_0_AUTH: expected realm:user:password")
    assert told.endswith("; the app is left out")


@pytest.mark.parametrize(
    "reply", [Reply(503, b'{"message": "busy"}'), Reply(200, b'{"message": "no apps"}'), Reply(200, b"<html>")]
)
async def test_what_is_no_list_of_apps_fails_and_the_old_file_stays(reply: Reply, place: Place) -> None:
    place.config.write_text("old")
    async with FakeMarathon() as marathon:
        marathon.answer("/v2/apps", reply)
        with pytest.raises(SourceError):
            await run(place, place.arguments(marathon, UNCHECKED))
    assert place.config.read_text() == "old"
    assert place.reloads == 0


async def test_the_next_marathon_is_asked_where_one_answers_with_an_error(place: Place) -> None:
    async with FakeMarathon() as standby, FakeMarathon() as leader:
        standby.answer("/v2/apps", Reply(503, b'{"message": "busy"}'))
        leader.put(web())
        await run(place, place.arguments(standby, UNCHECKED, "-m", standby.url, leader.url))
    assert "backend web_10000" in place.config.read_text()


async def test_the_balancers_own_app_is_left_out(place: Place) -> None:
    place.environ["FRAMEWORK_NAME"] = "dcos/lb"
    async with FakeMarathon() as marathon:
        marathon.put(web(), web("/dcos/lb", 10001))
        await run(place, place.arguments(marathon, UNCHECKED))
    text = place.config.read_text()
    assert "backend web_10000" in text
    assert "dcos" not in text


async def test_templates_come_from_files_and_the_environment(place: Place) -> None:
    (place.folder / "templates").mkdir()
    (place.folder / "templates" / "HAPROXY_BACKEND_HTTP_OPTIONS").write_text("  # from a file\n")
    place.environ["HAPROXY_BACKEND_STICKY_OPTIONS"] = r"  # from a variable\n  # of two lines"
    async with FakeMarathon() as marathon:
        marathon.put(web(HAPROXY_0_STICKY="true"))
        await run(place, place.arguments(marathon, UNCHECKED))
    assert "  # from a file\n  # from a variable\n  # of two lines\n" in place.config.read_text()


async def test_a_head_with_which_reloads_cannot_work_is_refused(place: Place) -> None:
    place.environ["HAPROXY_HEAD"] = "global\n  daemon\n"
    async with FakeMarathon() as marathon:
        with pytest.raises(SettingsError, match="daemon"):
            await run(place, place.arguments(marathon, UNCHECKED))


async def test_as_many_copies_are_kept_as_was_asked_for_the_newest_first(place: Place) -> None:
    async with FakeMarathon() as marathon:
        for number in range(4):
            marathon.put(web(host=f"10.0.0.{number}"))
            await run(place, place.arguments(marathon, UNCHECKED, "--archive-versions", "2"))
    copies = {path.name: path.read_text() for path in (place.folder / "copies").iterdir()}
    assert copies.keys() == {"hap_cfg.1", "hap_cfg.2"}
    assert "10.0.0.3:31000" in copies["hap_cfg.1"]
    assert "10.0.0.2:31000" in copies["hap_cfg.2"]


async def test_a_copy_follows_no_link_that_somebody_laid(place: Place) -> None:
    victim = place.folder / "victim"
    victim.write_text("mine")
    (place.folder / "copies" / "hap_cfg.1").symlink_to(victim)
    async with FakeMarathon() as marathon:
        marathon.put(web())
        await run(place, place.arguments(marathon, UNCHECKED))
    assert victim.read_text() == "mine"
    assert not (place.folder / "copies" / "hap_cfg.1").is_symlink()


async def test_a_copy_that_cannot_be_kept_is_told_and_the_file_is_written(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    (place.folder / "copies" / "hap_cfg.1").mkdir()
    async with FakeMarathon() as marathon:
        marathon.put(web())
        await run(place, place.arguments(marathon, UNCHECKED, "--archive-versions", "1"))
    assert "no copy of" in caplog.text
    assert place.config.exists()
    assert [path.name for path in (place.folder / "copies").iterdir()] == ["hap_cfg.1"]


async def test_maps_are_written_with_the_file_and_emptied_when_they_are_no_longer_used(place: Place) -> None:
    hosts, apps = place.folder / "domain2backend.map", place.folder / "app2backend.map"
    async with FakeMarathon() as marathon:
        marathon.put(web())
        await run(place, place.arguments(marathon, UNCHECKED, "--haproxy-map"))
        assert (hosts.read_text(), apps.read_text()) == ("", "/web web_10000\n")
        assert f"map({apps})" in place.config.read_text()
        assert (place.folder / "copies" / "app_map.1").read_text() == apps.read_text()
        await run(place, place.arguments(marathon, UNCHECKED))
    assert (hosts.read_text(), apps.read_text()) == ("", "")


async def test_a_change_of_a_map_alone_is_a_change(place: Place) -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web())
        await run(place, place.arguments(marathon, UNCHECKED, "--haproxy-map"))
        (place.folder / "app2backend.map").write_text("/web other\n")
        await run(place, place.arguments(marathon, UNCHECKED, "--haproxy-map"))
    assert place.reloads == 2
    assert (place.folder / "app2backend.map").read_text() == "/web web_10000\n"


@each_haproxy
async def test_a_text_that_haproxy_takes_goes_live_also_with_maps_that_are_not_there_yet(
    binary: Binary, place: Place
) -> None:
    place.use(binary)
    async with FakeMarathon() as marathon:
        marathon.put(web())
        await run(place, place.arguments(marathon, "--haproxy-map"))
    assert "backend web_10000" in place.config.read_text()
    assert place.reloads == 1


@each_haproxy
async def test_the_app_that_haproxy_refuses_is_left_out_and_the_rest_goes_live(
    binary: Binary, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.use(binary)
    bad = web("/bad", 10001, HAPROXY_0_BALANCE="no-such-algorithm")
    async with FakeMarathon() as marathon:
        marathon.put(web(), bad, web("/zoo", 10002))
        await run(place, place.arguments(marathon, "--haproxy-map"))
    text = place.config.read_text()
    assert "backend web_10000" in text
    assert "backend zoo_10002" in text
    assert "bad" not in text
    assert "/bad" not in (place.folder / "app2backend.map").read_text()
    assert any("/bad" in line and "balance" in line for line in caplog.messages)
    rejected = place.folder / "haproxy_tmp_conf_fail"
    assert "no-such-algorithm" in rejected.read_text()
    assert f"HAProxy refuses the configuration, see {rejected}: " in caplog.text
    copies = {path.name for path in (place.folder / "copies").iterdir()}
    assert copies == {"hap_cfg.1", "domain_map.1", "app_map.1", "haproxy_temp_config_fail.1"}


@each_haproxy
async def test_a_fault_to_which_haproxy_names_no_line_is_found_by_leaving_apps_out(
    binary: Binary, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.use(binary)
    lost = web("/lost", 10001, HAPROXY_0_FRONTEND_BACKEND_GLUE="  default_backend nowhere\n")
    async with FakeMarathon() as marathon:
        marathon.put(web(), lost, web("/zoo", 10002))
        await run(place, place.arguments(marathon))
    text = place.config.read_text()
    assert "backend web_10000" in text
    assert "backend zoo_10002" in text
    assert "lost" not in text
    assert any("/lost" in line and "nowhere" in line for line in caplog.messages)


@each_haproxy
async def test_a_fault_of_the_operators_is_blamed_on_no_app(binary: Binary, place: Place) -> None:
    place.use(binary)
    place.environ["HAPROXY_HTTP_FRONTEND_APPID_HEAD"] += "  default_backend nowhere\n"
    async with FakeMarathon() as marathon:
        marathon.put(web())
        await run(place, place.arguments(marathon))
    assert not place.config.exists()
    assert place.reloads == 0


@each_haproxy
@pytest.mark.parametrize("flags", [[], ["--skip-config-cleanup"]])
async def test_a_refused_text_changes_nothing(
    binary: Binary, flags: list[str], place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.use(binary)
    place.config.write_text("old")
    async with FakeMarathon() as marathon:
        marathon.put(web("/bad", 10001, HAPROXY_0_BALANCE="no-such-algorithm"))
        await run(place, place.arguments(marathon, *flags))
    assert place.config.read_text() == "old"
    assert place.reloads == 0
    assert "no-such-algorithm" in (place.folder / "haproxy_tmp_conf_fail").read_text()


async def test_without_haproxy_there_is_no_check(tmp_path: Path) -> None:
    with pytest.raises(ProxyError, match="--skip-validation"):
        await Validation({"PATH": str(tmp_path)}, system_folders="").check(tmp_path / "haproxy.cfg", "")


@each_haproxy
async def test_a_refused_deployment_group_is_left_out_as_a_whole(binary: Binary, place: Place) -> None:
    place.use(binary)
    group = {"HAPROXY_DEPLOYMENT_GROUP": "shop", "HAPROXY_0_BALANCE": "no-such-algorithm"}
    async with FakeMarathon() as marathon:
        marathon.put(web("/shop-blue", 10001, **group), web("/shop-green", 10001, **group), web())
        await run(place, place.arguments(marathon))
    text = place.config.read_text()
    assert "backend web_10000" in text
    assert "shop" not in text


async def test_the_difference_is_logged_on_demand_and_without_passwords(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "milepost")
    async with FakeMarathon() as marathon:
        marathon.put(web(HAPROXY_0_VHOST="a.example", HAPROXY_0_AUTH="realm:me:$5$secret"))
        await run(place, place.arguments(marathon, UNCHECKED))
    assert "+backend web_10000" in caplog.text
    assert "user me password (hidden)" in caplog.text
    assert "$5$secret" not in caplog.text
    assert "$5$secret" in place.config.read_text()


class Beside(type(Path())):  # type: ignore[misc]  # a path's class depends on the system
    """Of a file that cannot be moved, since the one to replace is mounted by itself."""

    def replace(self, target: str | os.PathLike[str]) -> Path:
        raise OSError(errno.EBUSY, "it is mounted", str(target))


def test_a_file_that_is_mounted_by_itself_is_written_over(tmp_path: Path) -> None:
    new, mounted = Beside(tmp_path / "new"), tmp_path / "haproxy.cfg"
    new.write_text("new")
    mounted.write_text("old")
    before = mounted.stat().st_ino
    move(new, mounted)
    assert (mounted.read_text(), mounted.stat().st_ino) == ("new", before)


async def test_a_reload_command_that_fails_is_logged_and_the_pass_has_succeeded(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    async with FakeMarathon() as marathon:
        for number, command in enumerate((("false",), (str(place.folder / "no such program"),))):
            marathon.put(web(host=f"10.0.0.{number}"))
            await poll(place.arguments(marathon, UNCHECKED), command, place.environ)
    assert "ended with status 1" in caplog.text
    assert "cannot be run: No such file" in caplog.text
