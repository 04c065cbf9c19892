"""The font file: complete, distinct, and honest about its faults."""

import string

import pytest

from hw.font import FALLBACK, FontError, default_font, parse_font

ROW = ".#.#.\n"
QUESTION = "U+003F ?\n" + ROW * 7


def test_every_printable_ascii_character_and_the_currency_signs_are_drawn() -> None:
    font = default_font()
    needed = {chr(code) for code in range(0x20, 0x7F)} | set("€£$…")
    assert needed <= set(font.glyphs)


def test_no_two_characters_look_the_same() -> None:
    glyphs = default_font().glyphs
    assert len(set(glyphs.values())) == len(glyphs)


def test_only_the_space_is_dark() -> None:
    dark = [name for name, rows in default_font().glyphs.items() if not any(map(any, rows))]
    assert dark == [" "]


def test_every_cell_is_six_columns_by_seven_rows_and_ends_dark() -> None:
    for rows in default_font().glyphs.values():
        assert len(rows) == 7
        assert all(len(row) == 6 and row[5] == 0 and set(row) <= {0, 1} for row in rows)


def test_digits_are_equally_tall() -> None:
    for digit in string.digits:
        rows = default_font().glyph(digit)
        assert any(rows[0]), digit
        assert any(rows[6]), digit


def test_an_unknown_character_shows_as_a_question_mark() -> None:
    font = default_font()
    assert font.glyph("☃") == font.glyph(FALLBACK)


def test_the_euro_sign_reads_as_drawn() -> None:
    art = ["".join(".#"[pixel] for pixel in row) for row in default_font().glyph("€")]
    assert art == ["..###.", ".#....", "####..", ".#....", "####..", ".#....", "..###."]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("A\n" + ROW * 7, "line 1: expected 'U"),
        ("U+ZZ x\n" + ROW * 7, "line 1: 'U"),
        (QUESTION + "\nU+0041 A\n.#.#\n" + ROW * 6, "line 11: row 1 of glyph 'U"),
        (QUESTION + "U+0041 A\n" + ROW * 6 + ".#x#.\n", "line 16: row 7"),
        (QUESTION + "U+0041 A\n" + ROW * 3, "line 9: row 4"),
        (QUESTION + QUESTION, "line 9: glyph 'U.003F .' is defined twice"),
        ("; nothing\n", "no '.'"),
    ],
)
def test_a_bad_glyph_is_reported_with_its_line(text: str, complaint: str) -> None:
    with pytest.raises(FontError, match=complaint):
        parse_font(text)
