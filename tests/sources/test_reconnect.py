"""How long it takes to the next event stream, after streams that broke and after a Marathon that was away."""

from milepost.sources.marathon.reconnect import Reconnect
from milepost.sources.marathon.settings import MarathonSettings

SETTINGS = MarathonSettings(
    ("http://m:8080",), first_backoff_s=0.2, max_backoff_s=5.0, max_refused_s=1.0, healthy_stream_s=2.0
)


def waits(reconnect: Reconnect) -> float:
    return reconnect.wait_s(SETTINGS, 0.0)


def test_a_marathon_that_was_away_for_long_is_found_within_a_second_of_its_return() -> None:
    reconnect = Reconnect()
    found = []
    for _ in range(6):
        reconnect = reconnect.not_opened()
        found.append(waits(reconnect))
    assert found == [0.2, 0.4, 0.8, 1.0, 1.0, 1.0]


def test_streams_that_open_and_end_at_once_come_ever_rarer_since_each_costs_a_read_of_all_apps() -> None:
    reconnect = Reconnect()
    found = []
    for _ in range(7):
        reconnect = reconnect.opened(0.1, SETTINGS)
        found.append(round(waits(reconnect), 3))
    assert found == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_good_stream_begins_the_row_anew() -> None:
    reconnect = Reconnect(short=5).opened(2.0, SETTINGS)
    assert waits(reconnect) == 0.2


def test_tries_that_were_refused_make_no_stream_a_bad_one() -> None:
    reconnect = Reconnect(short=1)
    for _ in range(10):
        reconnect = reconnect.not_opened()
    assert waits(reconnect.opened(0.5, SETTINGS)) == 0.4
