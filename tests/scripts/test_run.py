"""`./run` on machines that lack something, and on its second use: with programs of our own in PATH."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.shared import ROOT

TOOLS = ("bash", "cat", "cksum", "dirname", "tail", "tee", "env")

# Stands in for Python: says that it is new enough unless told not to, and makes an environment that is itself.
PYTHON = """\
#!/usr/bin/env bash
here=$(dirname "$0")
echo "$*" >>"$STORY"
case "$*" in
    -V) echo "Python 3.12.0" ;;
    *version_info*) [ -z "${OLD_PYTHON:-}" ] ;;
    *ensurepip*) [ -z "${NO_VENV:-}" ] ;;
    *"-m venv"*)
        mkdir -p .venv/bin
        cp "$0" .venv/bin/python
        printf '#!/usr/bin/env bash\\necho "ran $*"\\n' >.venv/bin/milepost
        chmod +x .venv/bin/milepost ;;
    *"pip install"*) [ -z "${NO_NETWORK:-}" ] || { echo "ERROR: no route to host"; exit 1; } ;;
esac
"""


@dataclass
class Checkout:
    """A copy of what `./run` needs, and a PATH with nothing but `TOOLS` and what a test adds."""

    folder: Path

    def add(self, name: str, text: str) -> None:
        program = self.folder / "bin" / name
        program.write_text(text)
        program.chmod(0o755)

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.folder / "bin"), "STORY": str(self.folder / "story"), **variables}
        return subprocess.run(
            [self.folder / "run", *arguments], env=environment, capture_output=True, text=True, check=False, timeout=30
        )

    def told(self, what: str) -> int:
        """How often Python was called with `what`."""
        story = self.folder / "story"
        return sum(what in line for line in story.read_text().splitlines()) if story.exists() else 0


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    for name in ("run", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for tool in (*TOOLS, "mkdir", "cp", "chmod"):
        found = shutil.which(tool)
        assert found
        (bin_folder / tool).symlink_to(found)
    made = Checkout(tmp_path)
    made.add("id", "#!/usr/bin/env bash\necho 1000\n")
    made.add("python3", PYTHON)
    return made


def test_without_python_one_line_says_how_to_get_it(checkout: Checkout) -> None:
    (checkout.folder / "bin" / "python3").unlink()
    done = checkout.run("demo")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "run: Python 3.11 or newer is missing; install it with: your system's package manager (python3 on Debian)"
    ]


def test_with_an_old_python_one_line_names_the_command_on_debian(checkout: Checkout) -> None:
    checkout.add("apt-get", "#!/usr/bin/env bash\nexit 1\n")
    done = checkout.run("demo", OLD_PYTHON="1")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "run: Python 3.11 or newer is missing; install it with: sudo apt-get install python3"
    ]


def test_without_the_venv_module_root_installs_it(checkout: Checkout) -> None:
    checkout.add("id", "#!/usr/bin/env bash\necho 0\n")
    checkout.add("apt-get", '#!/usr/bin/env bash\necho "apt-get $*" >>"$STORY"\n')
    done = checkout.run("demo", NO_VENV="1")
    assert checkout.told("apt-get install -y -qq python3-venv") == 1
    assert done.stdout == "ran demo\n"


def test_without_the_venv_module_others_are_told_the_command(checkout: Checkout) -> None:
    checkout.add("apt-get", "#!/usr/bin/env bash\nexit 1\n")
    done = checkout.run("demo", NO_VENV="1")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("is missing; install it with: sudo apt-get install python3-venv")


def test_without_a_network_the_last_words_say_so_and_nothing_counts_as_set_up(checkout: Checkout) -> None:
    done = checkout.run("demo", NO_NETWORK="1")
    assert done.returncode == 1
    assert "no route to host" in done.stderr
    assert "is there a network" in done.stderr.splitlines()[-1]
    assert checkout.run("demo").stdout == "ran demo\n"


def test_it_sets_up_once_and_again_only_when_the_dependencies_change(checkout: Checkout) -> None:
    first, second = checkout.run("demo", "--once"), checkout.run("demo")
    assert (first.returncode, first.stdout) == (0, "ran demo --once\n")
    assert "setting up .venv" in first.stderr
    assert (second.stdout, second.stderr) == ("ran demo\n", "")
    assert checkout.told("pip install") == 1
    with (checkout.folder / "constraints.txt").open("a") as file:
        file.write("more==1\n")
    checkout.run("demo")
    assert checkout.told("pip install") == 2


@pytest.mark.parametrize("name", ["run", "scripts/test", "scripts/check", "scripts/fix", "scripts/bench", ".ci/run"])
def test_a_script_can_be_run(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)


def test_ci_calls_the_test_command_of_the_readme_and_nothing_of_its_own() -> None:
    assert "    ./run test " in (ROOT / "README.md").read_text()
    commands = [
        line for line in (ROOT / ".ci" / "run").read_text().splitlines() if not line.startswith(("#", "set", "cd"))
    ]
    assert commands == ["exec ./run test"]
