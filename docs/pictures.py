"""Pictures of every screen at three sizes, from the real app and a real engine: `python docs/pictures.py`.

It runs the demo in a temporary folder (two to three minutes), and shows its journal up to a moment worth seeing, so
that nothing moves between one size and the next. Needs chromium and the Fira Code font, which the console does not.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from factory_tui.config.workspace import Workspace  # noqa: E402
from factory_tui.console.app import ConsoleApp  # noqa: E402
from factory_tui.domain import events as e  # noqa: E402
from tests.console.feeds import StoryFeed  # noqa: E402
from tests.console.stage import until  # noqa: E402
from tests.e2e.stage import past  # noqa: E402

OUT = Path(__file__).resolve().parent / "pictures"
SIZES = ((80, 24), (120, 40), (200, 60))
Screens = tuple[tuple[str, tuple[str, ...]], ...]
"""Each with the keys that lead there from the one before."""
WORK: Screens = (
    ("floor", ()),
    ("wall", ("f4",)),
    ("run", ("f3", "2")),
    ("journal", ("6",)),
    ("workshop", ("4",)),
    ("palette", ("1", "colon")),
)
HELP: Screens = (("help", ("question_mark",)),)
ASKED: Screens = (("inbox", ("3",)), ("burn", ("5",)))
RUN, ASKER = "shortlinks-1", "ledger-1"
TOGETHER = 100
"""Milliseconds in which what belongs to a moment is told."""
_FONT_FACE = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)
_VIEW = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


async def take(events: Sequence[e.Event], run: str, size: tuple[int, int], screens: Screens) -> dict[str, str]:
    """Screens as SVG, by name, when just these events have happened, with the cursor on a run."""
    feed = StoryFeed(events)
    app = ConsoleApp(feed.connect, clock=lambda: feed.now)
    app.animation_level = "none"
    found: dict[str, str] = {}
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.mirror.connection == "live", "attached")
        app.choose(run)
        await until(lambda: bool(app.mirror.trace(run).lines), "the trace")
        for name, keys in screens:
            await pilot.press(*keys)
            for _ in range(2):  # what a first drawing had read from the journal is drawn by the second
                await pilot.pause()
                app.draw()
            if name == "burn":
                await until(lambda: app.mirror.read, "the journal was read")
            elif name == "journal":
                await until(lambda: app.mirror.ledger.newest, "the newest acts are read")
            app.draw()
            await pilot.pause()
            found[f"{name}-{size[0]}x{size[1]}"] = app.export_screenshot(title="factory-tui")
    return found


def demo(folder: Path) -> list[e.Event]:
    """Everything that happens in a demo that nobody attends. Raises RuntimeError when it does not ship."""
    for name in ("HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        os.environ[name] = str(folder)
    os.environ["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-m", "factory_tui", "demo", "--rehearse", "--plain", "--dir", str(folder / "demo")]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the demo ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr}")
    return asyncio.run(past(Workspace(folder / "demo"))).events


def up_to(events: Sequence[e.Event], kind: type, run: str, count: int = 1) -> Sequence[e.Event]:
    """The events up to the run's fact of that kind with that number, and what was told in the same moment."""
    found = [index for index, event in enumerate(events) if isinstance(event.fact, kind) and event.run == run]
    at = found[min(count, len(found)) - 1]
    return [event for event in events if event.at <= events[at].at + TOGETHER]


def to_png(svg: str, out: Path) -> None:
    """Render with a headless chromium; no font is fetched from anywhere."""
    view = _VIEW.search(svg)
    if view is None:
        raise ValueError("the screenshot has no size")
    wide, high = (int(float(figure)) + 1 for figure in view.groups())
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        body = f'<body style="margin:0;background:#000">{_FONT_FACE.sub("", svg)}</body>'
        page.write_text(f'<meta charset="utf-8">{body}', encoding="utf-8")  # else it is guessed, not always well
        flags = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars")
        command = ["chromium", *flags, f"--window-size={wide},{high}", f"--screenshot={out}", page.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)


def main() -> None:
    """Make all pictures."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        events = demo(Path(folder))
    visit = up_to(events, e.VerdictReached, RUN, 60)
    asked = up_to(events, e.EscalationRaised, ASKER)
    for size in SIZES:
        for moment, run, screens in ((visit, RUN, WORK), (visit, RUN, HELP), (asked, ASKER, ASKED)):
            for name, svg in asyncio.run(take(moment, run, size, screens)).items():
                to_png(svg, OUT / f"{name}.png")


if __name__ == "__main__":
    main()
