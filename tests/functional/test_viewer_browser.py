"""The viewer in a browser: it moves, changes what it shows, can be reached by keyboard, and asks no network."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Playwright, sync_playwright
from run_folders import NASTY
from viewer_folders import PEAK, PICTURE, SITE, VOLUME, write_viewable

from biasaudit.report.viewer.page import write_viewer

BROWSER = shutil.which("chromium")
QUIET = ("--no-sandbox", "--disable-background-networking")
FLAT = (*QUIET, "--disable-gpu", "--disable-3d-apis")
DRAWN_IN_SOFTWARE = (*QUIET, "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
SIZES = [(1200, "light"), (390, "dark")]

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine")


@dataclass
class Opened:
    """A page, and what it said or asked for that it should not."""

    page: Page
    heard: list[str] = field(default_factory=list)

    def where(self) -> list[str]:
        return self.page.locator(".where").all_text_contents()

    def pixels(self, number: int = 0) -> bytes:
        """Return what one image looks like, once it has been drawn."""
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return self.page.locator(".screen").nth(number).screenshot()

    def choose(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(label=text)

    def until(self, script: str) -> None:
        """Wait until something holds; the browser's own waiting needs eval, which the page's policy forbids."""
        for _ in range(200):
            if self.page.evaluate(script):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"never: {script}; {self.where()}")


Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("viewer")
    runs = {
        "volumes": write_viewable(folder / "volumes"),
        "pictures": write_viewable(folder / "pictures", ("intensity",), PICTURE),
    }
    for run in runs.values():
        assert write_viewer(run) == ""
    return {name: run / "viewer.html" for name, run in runs.items()}


@pytest.fixture(scope="module")
def play() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


def opened_in(play: Playwright, arguments: tuple[str, ...], pages: dict[str, Path]) -> Iterator[Open]:
    browser = play.chromium.launch(executable_path=BROWSER, args=[*arguments])

    def open_page(name: str, width: int = 1200, scheme: Any = "light") -> Opened:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        found = Opened(context.new_page())
        found.page.on("console", lambda message: found.heard.append(message.text))
        found.page.on("pageerror", lambda error: found.heard.append(str(error)))
        found.page.on("request", lambda request: found.heard.append(request.url))
        found.page.goto(pages[name].as_uri())
        found.page.wait_for_selector("body[data-ready]", timeout=30_000)
        assert found.heard == [pages[name].as_uri()]
        found.heard.clear()
        return found

    yield open_page
    browser.close()


@pytest.fixture(scope="module")
def flat(play, pages) -> Iterator[Open]:
    """A browser without WebGL: the page draws by itself."""
    yield from opened_in(play, FLAT, pages)


@pytest.fixture(scope="module")
def scenes(play, pages) -> Iterator[Open]:
    """A browser whose WebGL is drawn in software: niivue draws."""
    yield from opened_in(play, DRAWN_IN_SOFTWARE, pages)


def in_mm(at: tuple[int, ...]) -> str:
    rows = (sum(row[axis] * at[axis] for axis in range(3)) + row[3] for row in VOLUME.affine[:3])
    return (
        ", ".join(f"{name} {value:.0f}".replace("-", "\u2212") for name, value in zip("xyz", rows, strict=True)) + " mm"
    )


def test_it_begins_at_the_strongest_place_of_both_inputs(flat):
    first, second = flat("volumes").where()
    place = in_mm(PEAK[VOLUME])
    # The first is the subject without marked pathology.
    assert first.startswith(f"{place}: +0.4 (80 % of the colour limit), supports ms")
    assert second.startswith(f"{place}: \u22120.3 (60 % of the colour limit), opposes ms")


def moved_by_everything(opened: Opened) -> None:
    """Move the cross-hair by a slider and by a click; both images follow."""
    before = opened.where()
    slider = opened.page.get_by_label("x (left to right)")
    slider.press("ArrowRight")
    after = opened.where()
    assert before[0].split(",")[0] == f"x {18 - 4 * PEAK[VOLUME][0]}"
    assert [words.split(",")[0] for words in after] == [f"x {18 - 4 * PEAK[VOLUME][0] + 4}"] * 2
    canvas = opened.page.locator(".screen canvas").first
    box = canvas.bounding_box()
    canvas.click(position={"x": 0.25 * box["width"], "y": 0.25 * box["height"]})
    opened.until(f"document.querySelector('.where').textContent !== {after[0]!r}")
    clicked = [words.split(" mm")[0] for words in opened.where()]
    assert clicked[0] == clicked[1]


def changed_by_every_control(opened: Opened) -> None:
    """Change what is shown; every control changes the image or its words."""
    opened.choose("Shown", f"sub-ms001 · ms · {SITE}")
    opened.until("document.getElementById('who').textContent.startsWith('sub-ms001')")
    strongest = "document.getElementById('strongest').click()"
    opened.until(f"({strongest}, document.querySelector('.where').textContent.includes('inside the marked pathology'))")
    looks = {"as it opens": opened.pixels()}
    opened.page.get_by_label("Outline the marked pathology").uncheck()
    looks["without outline"] = opened.pixels()
    opened.page.get_by_label("Opacity of the map").press("Home")
    looks["without map"] = opened.pixels()
    opened.page.get_by_label("Opacity of the map").press("End")
    looks["opaque"] = opened.pixels()
    opened.page.get_by_label("Hide what is fainter than (share of the colour limit)").press("End")
    looks["hidden below the limit"] = opened.pixels()
    opened.page.get_by_label("Hide what is fainter than (share of the colour limit)").press("Home")
    opened.page.get_by_label("Origin classifier", exact=True).check()
    opened.until("document.querySelector('.where').textContent.includes('own origin')")
    looks["origin classifier"] = opened.pixels()
    opened.page.get_by_label("Difference", exact=True).check()
    opened.until("document.querySelector('.where').textContent.includes('target looks more')")
    looks["difference"] = opened.pixels()
    assert len(set(looks.values())) == len(looks) - 1, "hidden below the limit is as without map"
    assert looks["hidden below the limit"] == looks["without map"]


def test_flat_cuts_move_and_change(flat):
    opened = flat("volumes")
    moved_by_everything(opened)
    changed_by_every_control(opened)
    assert "this browser has no WebGL" in opened.page.text_content("#drawn-by")
    assert opened.heard == []


@pytest.mark.slow
def test_where_niivue_fails_the_page_draws_by_itself(scenes, pages, tmp_path):
    broken = tmp_path / "viewer.html"
    page = pages["volumes"].read_text(encoding="utf-8").replace("async attachToCanvas(", "async attachToNothing(")
    start, end = page.index("<meta http-equiv"), page.index('<meta name="color-scheme"')
    broken.write_text(page[:start] + page[end:])  # the policy, whose hash is that of the sound script
    pages["broken"] = broken
    opened = scenes("broken")
    assert "flat cuts" in opened.page.text_content("#drawn-by")
    assert opened.page.locator(".cuts").count() == 2


def test_means_have_no_mask_and_a_missing_map_is_said(flat):
    opened = flat("volumes")
    opened.choose("Shown", "ms: mean of 6")
    opened.until("document.querySelector('.pane').textContent.includes('Mean of 6 subjects')")
    assert "marked" not in opened.where()[0]
    opened.page.get_by_label("Origin classifier", exact=True).check()
    opened.choose("Shown", f"{NASTY} · healthy · a")
    opened.until("document.querySelector('.pane').textContent.includes('No such map')")
    assert NASTY in opened.page.text_content("#who")
    assert opened.heard == []


def test_either_image_shows_any_input(flat):
    opened = flat("volumes")
    assert opened.page.get_by_label("Network input, first").input_value() == "intensity"
    opened.choose("Network input, first", "tissue")
    opened.until("document.querySelector('.where').textContent.includes('opposes')")
    assert opened.where()[0] == opened.where()[1]


def test_pictures_in_colour(flat):
    opened = flat("pictures")
    row, column = PEAK[PICTURE]
    assert opened.where()[0].startswith(f"column {column + 1}, row {row + 1}: +0.4 (80 % of the colour limit)")
    before = opened.pixels()
    opened.page.get_by_label("Opacity of the map").press("Home")
    assert opened.pixels() != before
    opened.page.get_by_label("Row").press("ArrowRight")
    assert f"row {row + 2}" in opened.where()[0]
    canvas = opened.page.locator("canvas")
    box = canvas.bounding_box()
    canvas.click(position={"x": 1, "y": box["height"] - 1})
    assert opened.where()[0].startswith(f"column 1, row {PICTURE.shape[0]}")
    assert opened.heard == []


@pytest.mark.parametrize("name", ["volumes", "pictures"])
@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_it_is_accessible_and_fits(flat, name, width, scheme):
    opened = flat(name, width, scheme)
    opened.choose("Shown", f"sub-ms001 · ms · {SITE}")
    found = Axe().run(opened.page)
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found.response["violations"]] == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


def test_every_control_is_reached_by_keyboard(flat):
    opened = flat("volumes")
    reached = []
    for _ in range(20):
        opened.page.keyboard.press("Tab")
        reached.append(opened.page.evaluate("document.activeElement.id || document.activeElement.textContent"))
    controls = {"shown", "outline", "layer-target", "opacity", "threshold", "arm-0", "arm-1", "strongest"}
    assert controls | {"axis-0", "axis-1", "axis-2", "Skip to the controls", "to the report"} <= set(reached)


@pytest.mark.slow
def test_niivue_draws_moves_and_changes(scenes):
    opened = scenes("volumes")
    assert "niivue" in opened.page.text_content("#drawn-by")
    assert opened.page.locator(".screen.scene canvas").count() == 2
    moved_by_everything(opened)
    changed_by_every_control(opened)
    found = Axe().run(opened.page)
    assert [one["id"] for one in found.response["violations"]] == []
    assert opened.heard == []
