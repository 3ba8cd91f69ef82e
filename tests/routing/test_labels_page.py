from milepost.routing.reference import labels_page
from support.shared import ROOT


def test_the_page_of_labels_is_what_the_table_makes() -> None:
    assert (ROOT / "docs" / "labels.md").read_text() == labels_page(), (
        "run: python -m milepost.routing.reference > docs/labels.md"
    )
