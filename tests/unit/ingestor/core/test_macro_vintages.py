"""Which readings are news, for sources with and without vintages."""

from services.ingestor.core.macro_vintages import Reading, SeriesVintages
from shared.domain.instants import parse_rfc3339
from shared.domain.macro import Observation

_NOW = parse_rfc3339("2024-06-10T15:00:00Z")


def series(known: tuple[Observation, ...] = ()) -> SeriesVintages:
    return SeriesVintages("fred:DGS10", unit="percent", source="fred", known=known)


def reading(day: str, value: float | None, vintage: str | None = None) -> Reading:
    return Reading(date=day, value=value, vintage=vintage)


def test_each_vintage_of_a_date_is_an_observation_of_its_own() -> None:
    news = series().compare(
        [reading("2024-05-24", 4.47, "2024-06-03"), reading("2024-05-24", 4.46, "2024-05-28")], now_ns=_NOW
    )

    assert [(each.vintage, each.value) for each in news.added] == [("2024-05-28", 4.46)]
    assert [(each.vintage, each.value) for each in news.revised] == [("2024-06-03", 4.47)]


def test_value_in_force_at_the_begin_of_the_window_asked_for_is_no_news() -> None:
    """FRED cuts ``realtime_start`` to the window: the same value would get a new vintage at each pull."""
    known = series()
    known.compare(
        [reading("2024-05-24", 4.46, "2024-05-28"), reading("2024-05-24", 4.47, "2024-06-03")], now_ns=_NOW
    )

    news = known.compare(
        [reading("2024-05-24", 4.46, "2024-06-01"), reading("2024-05-24", 4.47, "2024-06-03")], now_ns=_NOW
    )

    assert (news.added, news.revised, news.unchanged) == ((), (), 2)


def test_vintage_before_the_first_known_one_is_news_even_with_the_same_value() -> None:
    known = series()
    known.compare([reading("2024-05-24", 4.46, "2024-06-01")], now_ns=_NOW)

    news = known.compare([reading("2024-05-24", 4.46, "2024-05-28")], now_ns=_NOW)

    assert [each.vintage for each in news.revised] == ["2024-05-28"]


def test_another_value_for_the_same_vintage_replaces_it_under_the_same_key() -> None:
    known = series()
    first = known.compare([reading("2024-05-24", 4.46, "2024-05-28")], now_ns=_NOW).added

    second = known.compare([reading("2024-05-24", 4.48, "2024-05-28")], now_ns=_NOW).revised

    assert first[0].key == second[0].key
    assert known.compare([reading("2024-05-24", 4.48, "2024-05-28")], now_ns=_NOW).unchanged == 1


def test_no_value_is_news_once_and_not_zero() -> None:
    known = series()

    news = known.compare([reading("2024-05-27", None, "2024-05-28")], now_ns=_NOW)

    assert [each.value for each in news.added] == [None]
    assert known.compare([reading("2024-05-27", None, "2024-05-28")], now_ns=_NOW).unchanged == 1
    assert known.newest_date() is None


def test_value_that_a_source_with_vintages_withdraws_is_a_further_vintage() -> None:
    known = series()
    known.compare([reading("2024-05-24", 4.46, "2024-05-28")], now_ns=_NOW)

    news = known.compare([reading("2024-05-24", None, "2024-06-04")], now_ns=_NOW)

    assert [(each.vintage, each.value) for each in news.revised] == [("2024-06-04", None)]


def test_source_without_vintages_gives_todays_date_to_what_is_new_and_what_has_changed() -> None:
    known = series()
    known.compare([reading("2024-06-06", 13.0), reading("2024-06-07", 12.2)], now_ns=_NOW)
    tomorrow = parse_rfc3339("2024-06-11T15:00:00Z")

    news = known.compare([reading("2024-06-06", 13.1), reading("2024-06-07", 12.2)], now_ns=tomorrow)

    assert [(each.date, each.vintage, each.known_at_ns) for each in news.revised] == [
        ("2024-06-06", "2024-06-11", tomorrow)
    ]
    assert (news.added, news.unchanged) == ((), 1)


def test_empty_cell_of_a_source_without_vintages_takes_no_value_back() -> None:
    known = series()
    known.compare([reading("2024-06-06", 13.0)], now_ns=_NOW)

    assert known.compare([reading("2024-06-06", None)], now_ns=_NOW).unchanged == 1
    assert known.newest_date() == "2024-06-06"


def test_dates_that_a_source_no_longer_has_stay_known() -> None:
    known = series()
    known.compare(
        [reading("2021-06-01", 3.1, "2021-06-02"), reading("2024-06-06", 3.2, "2024-06-07")], now_ns=_NOW
    )

    news = known.compare([reading("2024-06-06", 3.2, "2024-06-07")], now_ns=_NOW)

    assert (news.added, news.revised) == ((), ())
    assert known.compare([reading("2021-06-01", 3.1, "2021-06-02")], now_ns=_NOW).unchanged == 1


def test_stated_vintage_may_be_used_from_the_end_of_its_day_in_st_louis_and_never_later_than_received() -> (
    None
):
    news = series().compare(
        [reading("2024-05-24", 4.46, "2024-05-28"), reading("2024-06-07", 4.43, "2024-06-10")], now_ns=_NOW
    )

    assert [each.known_at_ns for each in news.added] == [parse_rfc3339("2024-05-29T04:59:59Z"), _NOW]


def test_vintage_before_the_unix_epoch_is_known_from_the_epoch_on() -> None:
    news = series().compare([reading("1950-01-03", 1.5, "1955-01-01")], now_ns=_NOW)

    assert [each.known_at_ns for each in news.added] == [0]


def test_implausible_reading_is_rejected_and_the_others_are_kept() -> None:
    news = series().compare(
        [
            reading("2024-06-05", 4.4, "2024-06-06"),
            reading("2024-06-31", 4.4, "2024-06-06"),
            reading("2024-06-06", 4.4, "soon"),
            reading("2024-06-07", float("inf"), "2024-06-10"),
        ],
        now_ns=_NOW,
    )

    assert [each.date for each in news.added] == ["2024-06-05"]
    assert [(each.date, error.reason) for each, error in news.rejected] == [
        ("2024-06-06", "implausible_date"),
        ("2024-06-07", "not_finite"),
        ("2024-06-31", "implausible_date"),
    ]


def test_what_is_in_the_topic_is_known_at_the_start() -> None:
    before = series().compare([reading("2024-05-24", 4.46, "2024-05-28")], now_ns=_NOW).added
    known = series(before)

    assert known.compare([reading("2024-05-24", 4.46, "2024-05-28")], now_ns=_NOW).unchanged == 1
    assert (known.newest_vintage(), known.newest_date()) == ("2024-05-28", "2024-05-24")
    assert (series().newest_vintage(), series().newest_date()) == (None, None)
