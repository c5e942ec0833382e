"""The pictures of the documentation are few, small, and all shown somewhere. docs/pictures/take.py takes them."""

from __future__ import annotations

from assay.embedded.places import CHECKOUT

PICTURES = sorted((CHECKOUT / "docs" / "pictures").glob("*.webp"))


def test_pictures_are_few_and_small_and_each_is_shown() -> None:
    pages = "".join(
        page.read_text(encoding="utf-8") for page in [CHECKOUT / "README.md", *CHECKOUT.glob("docs/**/*.md")]
    )
    assert 0 < len(PICTURES) <= 8
    for picture in PICTURES:
        assert picture.stat().st_size < 100 * 1024, picture.name
        assert f"pictures/{picture.name})" in pages, f"{picture.name} is shown nowhere"
