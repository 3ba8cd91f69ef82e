"""The command lines of the recorded cases mean what tests/conformance takes them to mean."""

from pathlib import Path

import pytest

from milepost.compat.marathon_lb.arguments import read_arguments
from milepost.compat.marathon_lb.text import writer_of
from milepost.errors import SettingsError
from support.conformance import Case, all_cases
from support.shared import needs_shared

pytestmark = needs_shared


@pytest.mark.parametrize("name", all_cases())
def test_flags_environment_and_files_lead_to_the_recorded_text(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    case = Case(name)
    for file, text in case.args["templates"].items():
        (tmp_path / "templates").mkdir(exist_ok=True)
        (tmp_path / "templates" / file).write_text(text)
    arguments = read_arguments(case.args["flags"], "marathon-lb", case.args["env"])
    assert arguments is not None
    if "error" in case.meta["tags"]:
        with pytest.raises(SettingsError):
            writer_of(arguments, case.args["env"])
        return
    writer = writer_of(arguments, case.args["env"])
    table, contract = case.contract()
    written = writer.write(case.snapshot)
    assert written.config == contract.text
    assert written.problems == (*table.problems, *contract.problems)
    assert {str(path) for path in written.maps} == contract.maps.keys()
