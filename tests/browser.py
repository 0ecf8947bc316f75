"""Headless Chromium for tests of pages: the browser of the machine, never one that is downloaded."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

WIDE, PHONE = 1200, 390
SCHEMES = ("light", "dark")
_CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
_ALWAYS = ("--no-sandbox", "--disable-background-networking")

needs_browser = pytest.mark.skipif(_CHROMIUM is None, reason="no Chromium on this machine")


@dataclass
class Watched:
    """A page, what it said on its console, and what it asked of any network."""

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def height(self) -> int:
        return int(self.page.evaluate("document.documentElement.scrollHeight"))

    @property
    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@contextmanager
def chromium(*arguments: str) -> Iterator[Any]:
    """Start a browser; without arguments of one's own it draws without a GPU."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=_CHROMIUM, args=[*_ALWAYS, *(arguments or ("--disable-gpu",))]
        )
        try:
            yield started
        finally:
            started.close()


@contextmanager
def opened(browser: Any, file: Path, width: int = WIDE, scheme: str = "light") -> Iterator[Watched]:
    """Open a file as a page of this width, and watch what it says and asks."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    watched = Watched(page)
    page.on("console", lambda message: watched.said.append(message.text))
    page.on("pageerror", lambda error: watched.said.append(str(error)))
    page.on("request", lambda request: watched.asked.append(request.url))
    page.goto(file.resolve().as_uri())
    watched.asked = [
        url for url in watched.asked if not re.match(r"(data|blob):", url) and url != file.resolve().as_uri()
    ]
    try:
        yield watched
    finally:
        page.close()


def violations(page: Any) -> list[str]:
    """Run axe over a page, WCAG 2 A and AA: one line for every rule that is broken, with the first place."""
    from axe_playwright_python.sync_playwright import Axe

    rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
    found = Axe().run(page, options=rules).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:160]} {each['nodes'][0]['failureSummary'][:200]}" for each in found
    ]


def printed_pages(page: Any) -> int:
    """Count the pages of A4 that a page prints on."""
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))
