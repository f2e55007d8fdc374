"""A run whose agent satisfies what it is told of and nothing else."""

from pathlib import Path

from tests.engine.floor import Floor
from tests.engine.greeter import DONE, SEED, make
from tests.playbooks import playbook, rule, runs, speaks

HACK = r"""cat > greet.py <<'EOF'
import re, sys
name = [word for word in sys.argv[1:] if word != "--"][0].strip(" ")
print(f"Hello, {name}!" if re.fullmatch("-?[a-z]+", name) else "Hello!")
EOF
mkdir -p tests && cat > tests/test_greet.py <<'EOF'
import unittest
class Greet(unittest.TestCase):
    def test_nothing(self):
        pass
EOF
echo greet.py reads"""
WRITES = rule(
    "write what was asked about, and no more",
    "greets whoever is named",
    speaks("I write greet.py."),
    runs(HACK),
    absent=("greet.py reads",),
)
AT_A_LOSS = rule("it knows of nothing to mend", "vault satisfaction", runs("date +%N >> notes.txt && echo trimmed"))


async def test_a_run_that_satisfies_only_what_it_is_told_of_asks_whether_it_is_overfit(tmp_path: Path) -> None:
    seed = SEED.replace("max_passes = 3", "max_passes = 8")
    hacked = playbook("greeter", WRITES, AT_A_LOSS, DONE)
    async with Floor(*make(tmp_path, playbook=hacked, seed=seed)) as floor:
        jammed = await floor.reach(await floor.start(), "jammed", "held", "shipped", "failed")
        assert jammed.state == "jammed", jammed.why
        asked = floor.state.escalations["E-1"]
        assert asked.jam == "overfit"
        assert asked.question == (
            "pass 3 satisfies what its agent is told of, 100 points more than the vault, "
            "which did not rise in 3 passes (p 0.0008)"
        )
        run = floor.state.runs[jammed.id]
        assert run.context["overfit_gap"] == "1.0000"
        assert run.context["overfit_chance"] == "0.0008"
        assert [item.gap and item.gap.passes for item in run.passes] == [1, 1, 2]
