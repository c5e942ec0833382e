"""Takes the pictures of the documentation from a demo that runs:

    make demo
    .venv/bin/python docs/pictures/take.py http://localhost:8000 demo PASSWORD

Each page at a desk's width in the light theme, as WebP: Chromium itself writes it, drawn on a canvas.
"""

from __future__ import annotations

import base64
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).resolve().parent
SIZE = {"width": 1280, "height": 760}
#: Picture → address below /admin/, and what is clicked there.
PICTURES: dict[str, tuple[str, tuple[str, ...]]] = {
    "dashboard": ("", ()),
    "cause": ("", (".cause-title a >> nth=2",)),
    "exception": ("exceptions/rows/?target=silver.customers", ("tbody a >> nth=0",)),
    "run": ("runs/", ("tbody a >> nth=0",)),
    "lineage": ("lineage/?table=gold.fact_sales", ()),
    "explain": ("tables/gold.agg_daily_sales/", ("section:has(h2:has-text('Sample rows')) tbody a >> nth=0",
                                                "text=Explain its numbers")),
}  # fmt: skip
_TO_WEBP = """async png => {
    const image = new Image()
    image.src = 'data:image/png;base64,' + png
    await image.decode()
    const canvas = document.createElement('canvas')
    canvas.width = image.width; canvas.height = image.height
    canvas.getContext('2d').drawImage(image, 0, 0)
    return canvas.toDataURL('image/webp', 0.9).split(',')[1]
}"""


def main(site: str, user: str, password: str) -> None:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(base_url=site, viewport=SIZE, color_scheme="light")  # type: ignore[arg-type]
        encoder = chromium.new_page()
        page.goto("/admin/")
        page.fill("#id_username", user)
        page.fill("#id_password", password)
        page.click("text=Log in")
        page.wait_for_url("**/admin/")
        for name, (address, clicks) in PICTURES.items():
            page.goto(f"/admin/{address}")
            for click in clicks:
                page.click(click)
            page.wait_for_load_state("networkidle")
            size = write(encoder, name, page.screenshot())
            print(f"{name}.webp: {size / 1024:.0f} KB")
        chromium.close()


def write(encoder: Page, name: str, png: bytes) -> int:
    picture = base64.b64decode(encoder.evaluate(_TO_WEBP, base64.b64encode(png).decode()))
    return (FOLDER / f"{name}.webp").write_bytes(picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
