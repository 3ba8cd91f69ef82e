"""The command `milepost` as a whole: its help, its options, its errors."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from milepost.cli import COMMANDS, main
from milepost.demo.places import example
from milepost.settings.keys import KEYS, Key

APPS = str(example("nginx2.json"))


def call(*arguments: str, **variables: str) -> Result:
    return CliRunner().invoke(main, arguments, env=variables, catch_exceptions=False)


def run_command() -> click.Command:
    command = main.get_command(click.Context(main), "run")
    assert command is not None
    return command


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_the_overview_fits_it(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name
    is_foreign = name in ("marathon-lb", "zdd")  # these read their flags as they always did
    usage = "usage: milepost" if is_foreign else "Usage: main"
    assert call(name, "--help").output.startswith(f"{usage} {name}")


def test_the_overview_lists_every_command_and_imports_nothing_heavy() -> None:
    program = "import sys; from milepost.cli import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert all(f"  {name} " in done.stdout for name in COMMANDS)
    assert not {"httpx2", "starlette", "uvicorn", "anyio", "msgspec"} & set(done.stdout.split())


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.dotted)
def test_every_key_is_an_option_of_run(key: Key) -> None:
    offered = {name: option for option in run_command().params for name in option.opts}
    for name in key.options:
        option = offered[name]
        assert isinstance(option, click.Option)
        assert (option.name, option.multiple) == (key.parameter, key.kind.is_list)


@pytest.mark.parametrize(("name", "advice"), [("serve", ""), ("statsu", "Did you mean status?")])
def test_a_command_that_is_not_there_is_a_usage_error(name: str, advice: str) -> None:
    result = call(name)
    assert result.exit_code == 2
    assert f"No such command '{name}'." in result.stderr
    assert advice in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("status", "--web-listen", "9095"), 2, '--web-listen: expected "host:port"'),
        (("status", "--config", "/nowhere.toml"), 2, "/nowhere.toml cannot be read"),
        (("status", "--web-listen", "127.0.0.1:1"), 3, "no milepost answers at http://127.0.0.1:1"),
        (("status", "--web-listen", ""), 3, "web.listen is empty"),
        (("lint", "--apps", "/nowhere.json"), 5, "/nowhere.json cannot be read"),
        (("lint", "--apps", "a.json", "--marathon", "http://m1"), 2, "give one of them"),
        (("diff", "--apps", APPS, "--state-dir", "/nowhere"), 4, "--against FILE compares with a configuration"),
        (("diff", "--apps", APPS, "--against", "/nowhere.cfg"), 3, "/nowhere.cfg cannot be read"),
        (("diff", "--apps", APPS, "--against", __file__), 3, "is no configuration that milepost wrote"),
        (("proxy", "status", "--state-dir", "/nowhere"), 4, "no HAProxy master answers"),
        (("proxy", "stop", "--grace", "soon"), 2, "expected seconds"),
        (("proxy", "drain", "--quiet", "0"), 2, "expected seconds"),
        (("proxy", "drain", "--state-dir", "/nowhere"), 4, "no HAProxy answers at its admin socket"),
    ],
)
def test_an_error_is_told_on_standard_error_with_its_exit_status(
    arguments: tuple[str, ...], code: int, words: str
) -> None:
    result = call(*arguments)
    assert result.exit_code == code
    assert words in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_a_wrong_variable_is_told_by_name() -> None:
    result = call("status", MILEPOST_WEB_LISTEN="9095")
    assert (result.exit_code, "MILEPOST_WEB_LISTEN: expected" in result.stderr) == (2, True)


def test_parts_that_fail_together_are_told_without_a_traceback() -> None:
    program = (
        "import click; from milepost import cli; from milepost.errors import ProxyError, SourceError\n"
        "@click.command()\n"
        "def both():\n"
        "    raise BaseExceptionGroup('', [BaseExceptionGroup('', [SourceError('one')]), ProxyError('two')])\n"
        "import sys, types\n"
        "sys.modules['both'] = types.SimpleNamespace(both=both)\n"
        "cli.COMMANDS['both'] = ('both', '')\n"
        "cli.main(['both'])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (5, "milepost: one\nmilepost: two\n")


@pytest.mark.system
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--haproxy-binary", "no-such-haproxy"), 4, "--allow-bundled-haproxy"),
        (("--haproxy-settle-quiet-s", "soon"), 2, "--haproxy-settle-quiet-s: expected seconds"),
        (("--haproxy-mode", "attach", "--haproxy-master-socket", "/nowhere"), 2, "no Marathon is named"),
    ],
)
def test_run_says_why_it_cannot_start(tmp_path: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    command = [sys.executable, "-m", "milepost", "run", "--state-dir", str(tmp_path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_run_refuses_a_key_that_it_does_not_know_and_names_the_nearest(tmp_path: Path) -> None:
    config = tmp_path / "milepost.toml"
    config.write_text("[haproxy]\nhttp_prot = 8000\n")
    result = call("run", "--config", str(config))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "unknown key haproxy.http_prot; did you mean haproxy.http_port?" in result.stderr


def test_ending_a_proxy_that_does_not_run_is_fine() -> None:
    result = call("proxy", "stop", "--state-dir", "/nowhere")
    assert (result.exit_code, "nothing to do" in result.stderr) == (0, True)


def test_an_attached_proxy_is_not_milepost_s_to_end() -> None:
    result = call("proxy", "stop", "--haproxy-mode", "attach", "--haproxy-master-socket", "/nowhere")
    assert (result.exit_code, "not milepost's to end" in result.stderr) == (4, True)
