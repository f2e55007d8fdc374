"""A workspace that is as small as one can be and still has everything: a seed, a corpus, a playbook of two passes."""

from pathlib import Path

from factory_tui.config.workspace import Workspace, bundled
from tests.playbooks import playbook, rule, runs, speaks

CONFIG = """
[engine]
slots = 4
[cells]
kind = "{kind}"
bubblewrap = false
image = "{image}"
warm = 0
[models.default]
id = "claude-haiku-4-5"
key_env = "GREETER_KEY"
[harness]
parallel = 4
[owners.demo]
name = "Demo"
"""
SEED = """+++
owner = "demo"
ship_at = 0.45
alpha = 0.5
max_passes = 3
max_trajectories = 11
+++
A program `greet.py` that greets whoever is named on its command line: `Hello, NAME!`. Without a name it greets the
world. Names are trimmed.
"""
"""By these figures one vault story of four that fails keeps a pass from shipping, and one cycle of each, screen and
confirm, ships it: no trajectory is run that settles nothing.
"""
LONG = SEED.replace("ship_at = 0.45", "ship_at = 0.70").replace("max_trajectories = 11", "max_trajectories = 20")
"""The same by figures that take more trajectories, for who breaks things between them."""
SCENARIO = """
kind = "{kind}"
set = "{set}"
story = "given a name, when greet.py is called with it, then it greets"
[draw]
name = {{ kind = "word", min = 3, max = 12 }}
[[act]]
run = {{ command = '''{command}''' }}
[act.expect]
stdout = {{ equals = "{wanted}" }}
"""
# Where a Python has many packages, -S starts it in a quarter of the time.
LOOP = (bundled() / "loops" / "factory.dot").read_text().replace('command="python3 ', 'command="python3 -S ')
SCENARIOS = {
    "greets": ("main", "feedback", "python3 -S greet.py {name}", "Hello, {name}!"),
    "trims": ("edge", "feedback", 'python3 -S greet.py " {name} "', "Hello, {name}!"),
    "odd": ("adversarial", "feedback", "python3 -S greet.py -- -{name}", "Hello, -{name}!"),
    "greets-quoted": ("main", "vault", 'python3 -S greet.py "{name} {name}"', "Hello, {name} {name}!"),
    "trims-tabs": ("edge", "vault", "python3 -S greet.py $'\\t{name}'", "Hello, {name}!"),
    "percent": ("adversarial", "vault", "python3 -S greet.py %s{name}", "Hello, %s{name}!"),
    "upper": ("edge", "vault", "python3 -S greet.py {name}-X", "Hello, {name}-X!"),
}
WRITE = r"""cat > greet.py <<'EOF'
import sys
names = [word for word in sys.argv[1:] if word != "--"]
print(f"Hello, {names[0] if names else 'World'}!")
EOF
mkdir -p tests && cat > tests/test_greet.py <<'EOF'
import subprocess, sys, unittest
class Greet(unittest.TestCase):
    def test_greets(self):
        said = subprocess.run([sys.executable, "-S", "greet.py", "Ana"], capture_output=True, text=True).stdout
        self.assertEqual(said, "Hello, Ana!\n")
EOF
python3 -S -m unittest discover -s tests 2>&1 | tail -1; echo greet.py reads"""
WRITES = rule(
    "write it without trimming",
    "greets whoever is named",
    speaks("I write greet.py and a test."),
    runs(WRITE),
    absent=("greet.py reads",),
)
AGAIN = rule("write it again after the cell was lost", "lost and rebuilt.*greets whoever is named", runs(WRITE))
TRIM = r"sed -i 's/names\[0\] if/names[0].strip() if/' greet.py && echo trimmed"
TRIMS = rule("trim", r"observed .Hello,  +\w+", runs(TRIM))
DONE = rule("done", "greet.py reads|trimmed", speaks("greet.py is done."))
PLAYBOOK = playbook("greeter", WRITES, AGAIN, TRIMS, DONE)


def slow(seconds: int) -> str:
    """The playbook, where the command of the second pass takes this long."""
    return PLAYBOOK.replace("echo trimmed", f"sleep {seconds} && echo trimmed")


def make(
    folder: Path,
    *,
    kind: str = "process",
    image: str = "factory-cell",
    playbook: str = PLAYBOOK,
    seed: str = SEED,
    loop: str = "",
) -> tuple[Workspace, Path]:
    """The workspace, and the folder of its playbook."""
    workspace = Workspace(folder / "greeter")
    for part in (workspace.seeds, workspace.scenarios / "greeter", workspace.loops):
        part.mkdir(parents=True)
    workspace.config.write_text(CONFIG.format(kind=kind, image=image))
    (workspace.seeds / "greeter.md").write_text(seed)
    (workspace.loops / "factory.dot").write_text(loop or LOOP)
    for name, (kind_of, set_of, command, wanted) in SCENARIOS.items():
        (workspace.scenarios / "greeter" / f"{name}.toml").write_text(
            SCENARIO.format(kind=kind_of, set=set_of, command=command, wanted=wanted)
        )
    playbooks = folder / "playbooks"
    playbooks.mkdir()
    (playbooks / "greeter.toml").write_text(playbook)
    return workspace, playbooks
