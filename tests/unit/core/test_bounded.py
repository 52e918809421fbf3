"""Tables of bounded size."""

from correlator.core.bounded import drop_oldest


def test_the_oldest_goes() -> None:
    """Exactly what is too much where there are few."""
    table = {number: str(number) for number in range(5)}
    assert drop_oldest(table, 3) == ["0", "1"]
    assert list(table) == [2, 3, 4]
    assert drop_oldest(table, 3) == []


def test_where_there_are_many_more_goes() -> None:
    """So that the next ones find room without a search."""
    table = dict.fromkeys(range(1001), "")
    assert len(drop_oldest(table, 1000)) == 63
    assert min(table) == 63
