"""The bar of a run that is waited for."""

import io

from daemon.client_wait import BAR, Bar, filled


def test_a_total_makes_a_bar() -> None:
    assert filled("2/4 trades") == f"[{'█' * (BAR // 2)}{'·' * (BAR // 2)}]  50 % 2/4 trades"
    assert filled("9 of 4").startswith(f"[{'█' * BAR}] 100 %")


def test_without_a_total_the_text_is_shown() -> None:
    assert filled("reading") == "reading"
    assert filled("3/0") == "3/0"
    assert filled("") == "…"


def test_nothing_is_drawn_where_nobody_looks() -> None:
    stream = io.StringIO()
    bar = Bar(stream, shown=False)
    bar.draw("sync", "1/2")
    bar.clear()
    assert stream.getvalue() == ""


def test_a_bar_is_drawn_over_and_cleared() -> None:
    stream = io.StringIO()
    bar = Bar(stream, shown=True)
    bar.draw("sync", "1/2")
    bar.clear()
    assert stream.getvalue().count("\r") == 2
    assert stream.getvalue().endswith("\x1b[K")
