"""Pictures of every screen at three sizes, from the real app: `python docs/pictures.py [SOCKET]`.

With a socket it attaches to the engine there; without, it plays stories of the console's tests: the middle of a harness
visit, and for each other screen a floor that has something to show there. Needs chromium and the Fira Code font;
neither is needed to run the console.
"""

import argparse
import asyncio
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from factory_tui.console.app import ConsoleApp, wall  # noqa: E402
from factory_tui.console.feed import Connect, attach_to  # noqa: E402
from factory_tui.domain import events as e  # noqa: E402
from tests.console import story, tales  # noqa: E402
from tests.console.feeds import StoryFeed  # noqa: E402
from tests.console.stage import until  # noqa: E402

OUT = Path(__file__).resolve().parent / "pictures"
SIZES = ((80, 24), (120, 40), (200, 60))
Screens = tuple[tuple[str, tuple[str, ...]], ...]
"""Each with the keys that lead there from the one before."""
WORK: Screens = (("floor", ()), ("run", ("down", "enter")))
INBOX: Screens = (("inbox", ("3",)),)
WORKSHOP: Screens = (("workshop", ("4",)),)
BURN: Screens = (("burn", ("5",)),)
_FONT_FACE = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)
_VIEW = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


async def take(connect: Connect, clock: Callable[[], int], size: tuple[int, int], screens: Screens) -> dict[str, str]:
    """Screens as SVG, by name."""
    app = ConsoleApp(connect, clock=clock)
    app.animation_level = "none"
    found: dict[str, str] = {}
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.mirror.connection == "live" and bool(app.mirror.trace(app.chosen).lines), "attached")
        for name, keys in screens:
            await pilot.press(*keys)
            await until(lambda: bool(app.mirror.trace(app.chosen).lines), "the trace")
            await pilot.pause()
            app.draw()
            await pilot.pause()
            found[f"{name}-{size[0]}x{size[1]}"] = app.export_screenshot(title="factory-tui")
    return found


def to_png(svg: str, out: Path) -> None:
    """Render with a headless chromium; no font is fetched from anywhere."""
    view = _VIEW.search(svg)
    if view is None:
        raise ValueError("the screenshot has no size")
    wide, high = (int(float(figure)) + 1 for figure in view.groups())
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(f'<body style="margin:0;background:#000">{_FONT_FACE.sub("", svg)}</body>', encoding="utf-8")
        flags = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars")
        command = ["chromium", *flags, f"--window-size={wide},{high}", f"--screenshot={out}", page.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)


def main() -> None:
    """Make all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("socket", nargs="?", type=Path, help="the socket of a running engine")
    socket = parser.parse_args().socket
    OUT.mkdir(exist_ok=True)
    past = story.until(e.VerdictReached, "shortlinks-1", 45)
    for size in SIZES:
        if socket:
            shots = asyncio.run(take(attach_to(socket), wall, size, WORK + INBOX + WORKSHOP + BURN))
        else:
            shots = {}
            stories = ((past, WORK), (story.waits(), INBOX), (tales.known(), WORKSHOP), (tales.spent(), BURN))
            for told, screens in stories:
                feed = StoryFeed(told)
                shots |= asyncio.run(take(feed.connect, lambda now=feed.now: now, size, screens))  # type: ignore[misc]
        for name, svg in shots.items():
            to_png(svg, OUT / f"{name}.png")


if __name__ == "__main__":
    main()
