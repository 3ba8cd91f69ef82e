from milepost.settings.reference import reference_page
from support.shared import ROOT


def test_the_page_of_settings_is_what_the_table_makes() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == reference_page(), (
        "run: python -m milepost.settings.reference > docs/settings.md"
    )
