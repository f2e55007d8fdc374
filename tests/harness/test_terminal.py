"""Programs on a terminal, as acts of a trajectory: real ones on real pseudo terminals in cells."""

import os
import select
import socket
import sys
import textwrap

import pytest

from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import Cells, Entry, Labels
from factory_tui.cells.terminal import Terminal, main
from factory_tui.config.reading import Mistakes
from factory_tui.harness.draws import inputs
from factory_tui.harness.feedback import evidence
from factory_tui.harness.trajectory import Trajectory, run_trajectory
from tests.harness.product import scenario

MENU = """
import os, sys, termios, tty
fruits = ["apple", "pear", "quince"]
before = termios.tcgetattr(0)
tty.setraw(0)
size = os.get_terminal_size()
print(end="\\x1b[?1049h\\x1b[?1h\\x1b[2J", flush=True)
at = 0
def draw():
    print(end=f"\\x1b[H\\x1b[1mPick one\\x1b[m of {len(fruits)} ({size.columns}x{size.lines})")
    for row, fruit in enumerate(fruits):
        print(end=f"\\x1b[{row + 3};1H\\x1b[K{'>' if row == at else ' '} {fruit}")
    print(end=f"\\x1b[{at + 3};3H", flush=True)
draw()
name = ""
while True:
    got = os.read(0, 3)
    if got == b"\\x1bOB":
        at = min(at + 1, len(fruits) - 1)
    elif got == b"\\r":
        break
    elif got == b"q":
        at = -1
        break
    else:
        name += got.decode()
        print(end=f"\\x1b[9;1H\\x1b[Kname: {name}")
    draw()
print(end="\\x1b[?1049l")
termios.tcsetattr(0, termios.TCSADRAIN, before)
if at < 0:
    sys.exit(3)
open("picked.txt", "w").write(f"{name}:{fruits[at]}\\n")
print("picked", fruits[at])
"""
PICK = """
kind = "main"
set = "feedback"
story = "given a menu of fruits, when the user goes down to one and presses enter, then that one is picked"
[draw]
down = { kind = "int", min = 1, max = 2 }
who = { kind = "word" }
[let]
fruit = '["apple", "pear", "quince"][down]'
line = 'str(down + 3)'
[[act]]
name = "pick"
capture = { said = "screen:picked (.*)" }
[act.terminal]
command = "python3 menu.py"
columns = 40
rows = 10
steps = [
  { within = 25, until = { lines = { "1" = "Pick one of 3 (40x10)", "3" = "> apple" }, cursor = [3, 3] } },
  { press = "down", repeat = "{down}" },
  { type = "{who}", until = { lines = { "9" = "name: {who}" }, text = { contains = "> {fruit}" } } },
  { press = "enter" },
]
[act.expect]
exit = 0
screen = { text = "picked {fruit}", lines = { "-1" = "" } }
files = { "picked.txt" = { text = "{who}:{fruit}\\n" } }
within = 20.0
[[act]]
run = { command = "echo {said}" }
[act.expect]
stdout = { equals = "{fruit}" }
"""


CURSES = """
import curses
def main(window):
    window.border()
    window.addstr(2, 2, "é?")
    window.addstr(3, 2, window.getkey())
    window.getkey()
curses.wrapper(main)
"""


def product(source: str = MENU) -> list[Entry]:
    return [Entry("menu.py", "file", data=textwrap.dedent(source).encode())]


async def played(cells: Cells, source: str = MENU, text: str = PICK, index: int = 0) -> Trajectory:
    what = scenario(text)
    drawn = inputs(what, "tiny-1", 1, index)
    return await run_trajectory(cells, Labels("w", "tiny-1", "trajectory", 1), product(source), what, drawn, timeout=30)


def on_terminal(terminal: str, expect: str = "") -> str:
    """A scenario of one program."""
    head = 'kind = "main"\nset = "feedback"\nstory = "given a program, when it runs, then it shows"\n'
    return f"{head}[[act]]\n[act.terminal]\ncommand = 'python3 menu.py'\n{terminal}\n[act.expect]\n{expect}"


async def test_a_menu_is_walked_with_keys_and_its_screen_is_what_decides(cells: ProcessCells) -> None:
    for index in range(2):
        trajectory = await played(cells, index=index)
        assert trajectory.satisfied, evidence(trajectory)


@pytest.mark.docker
async def test_a_menu_is_walked_in_a_container_and_curses_finds_its_terminal(
    docker_workspace: str, cell_image: str
) -> None:
    cells = DockerCells(connect(), docker_workspace, cell_image)
    keys = on_terminal("steps = [{ within = 25, until = 'é?' }, { press = 'up' }]", "screen = 'KEY_UP'")
    try:
        for trajectory in (await played(cells), await played(cells, CURSES, keys)):
            assert trajectory.satisfied, evidence(trajectory)
    finally:
        await cells.close()


async def test_what_was_missed_is_told_with_the_keys_and_the_last_screen(cells: ProcessCells) -> None:
    trajectory = await played(
        cells,
        MENU.replace("at + 1, ", "at, "),
        PICK.replace('until = { lines = { "9"', 'within = 0.3, until = { lines = { "9"'),
    )
    assert trajectory.satisfied is False
    told = evidence(trajectory)
    assert "press down, type " in told
    assert "got: running, screen:\nPick one of 3 (40x10)\n\n> apple\n  pear" in told
    assert "wanted screen: contains " in told


async def test_a_program_that_ends_too_soon_is_told_with_its_exit(cells: ProcessCells) -> None:
    trajectory = await played(cells, "import sys; print('sorry'); sys.exit(3)")
    assert "got: exit 3, screen:\nsorry" in evidence(trajectory)
    assert 'wanted line 1 of the screen: "Pick one of 3 (40x10)", observed "sorry"' in evidence(trajectory)


async def test_a_program_may_be_left_running_or_must_end_as_wanted(cells: ProcessCells) -> None:
    assert (await played(cells, text=on_terminal("", "screen = 'Pick one'"))).satisfied
    quits = on_terminal("steps = [{ until = 'Pick one' }, { press = 'q' }]", "exit = { not = 0 }")
    assert (await played(cells, text=quits)).satisfied
    stays = await played(cells, text=on_terminal("timeout = 0.5", "exit = 0"))
    assert stays.why == "the program on the terminal took longer than 0.5 s"


async def test_a_question_to_the_terminal_is_answered(cells: ProcessCells) -> None:
    asks = """
    import os, tty
    tty.setraw(0)
    print(end="\\x1b[5;7H\\x1b[6n", flush=True)
    got = b""
    while not got.endswith(b"R"):
        got += os.read(0, 9)
    print(end=f"\\r{got!r}\\r\\n")
    """
    trajectory = await played(cells, asks, on_terminal("", "exit = 0\nscreen = 'x1b[5;7R'"))
    assert trajectory.satisfied, evidence(trajectory)


@pytest.mark.parametrize(
    ("hostile", "patience", "said"),
    [
        ("while True: print('x' * 100_000)", 60, "wrote more than 100000 bytes to its terminal"),
        ("while True: print(end='\\x1b[6n' * 1000)", 60, "wrote more than 100000 bytes to its terminal"),
        ("while True: print(end='\\x1b[99L' * 1000)", 0, "takes more than 0 s to draw"),
        ("import os, signal; os.kill(os.getppid(), signal.SIGKILL)", 60, "the program ended its terminal"),
        ("import os; os.fork() or os.setsid() or os.execlp('sleep', 'sleep', '60')", 60, ""),
    ],
)
async def test_a_program_that_floods_kills_or_stays_behind_is_a_verdict(
    cells: ProcessCells, monkeypatch: pytest.MonkeyPatch, hostile: str, patience: float, said: str
) -> None:
    monkeypatch.setattr("factory_tui.harness.terminal.MOST", 100_000)
    monkeypatch.setattr("factory_tui.harness.terminal.PATIENCE", patience)
    trajectory = await played(cells, hostile, on_terminal("", "exit = 0\nscreen = { text = '' }"))
    assert trajectory.satisfied is (not said), evidence(trajectory)
    assert said in trajectory.why


@pytest.mark.parametrize(
    ("terminal", "expect", "said"),
    [
        ("steps = [{ press = 'entre' }]", "", "act[0].terminal.steps[0].press: there is no key `entre`"),
        ("steps = [{ until = { lines = { '0' = 'x' } } }]", "", "`0` is no line"),
        ("", "screen = { text = { regex = '(' } }", "not a regex"),
        ("", "stdout = 'x'", "it says nothing about this kind of act"),
        ("rows = 1", "", "act[0].terminal.rows"),
    ],
)
def test_a_mistake_is_told_by_its_place(terminal: str, expect: str, said: str) -> None:
    with pytest.raises(Mistakes) as caught:
        scenario(on_terminal(terminal, expect))
    assert said in str(caught.value)


def test_what_is_said_between_a_look_and_the_end_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(40, 10, "printf farewell")
    os.waitid(os.P_PID, terminal._pid, os.WEXITED | os.WNOWAIT)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with monkeypatch.context() as patch:
            patch.setattr(select, "select", lambda *_: ([], [], []))  # the look was before
            terminal.turn(listener, 0.0)
        while not terminal.over():
            terminal.turn(listener, 0.01)
    os.close(terminal.master)
    assert (terminal.exit, terminal.since(0)) == (0, b"farewell")


def test_a_command_has_begun_even_if_it_ends_its_terminal_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(*_: object) -> None:
        raise SystemExit

    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as line:
        line.sendall(b"POST /0/0 HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        monkeypatch.setattr("factory_tui.cells.terminal.Terminal", ended)
        monkeypatch.setattr(socket, "create_server", lambda _: listener)
        monkeypatch.setattr(sys, "argv", ["", "40", "10", "kill -9 $PPID"])
        monkeypatch.setenv("PORT", "0")
        with pytest.raises(SystemExit):
            main()
        assert line.recv(100).startswith(b"HTTP/1.1 200 OK"), "else it chooses what is void"
