"""Types that several threads decode into at once: in a process of its own, which msgspec would crash."""

import subprocess
import sys

PROGRAM = """
import sys, threading
import msgspec
from factory_tui.config.reading import decode

def read(kind, start):
    start.wait()
    assert decode("inner = [{inner = [{}]}]", kind, "x.toml").inner[0].inner

sys.setswitchinterval(1e-6)
for _ in range(150):
    kind = msgspec.defstruct("Leaf", [])
    for level in range(12):
        kind = msgspec.defstruct(f"Level{level}", [("inner", list[kind], []), ("named", dict[str, kind], {})])
    start = threading.Barrier(6)
    threads = [threading.Thread(target=read, args=(kind, start)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print("whole")
"""


def test_the_first_use_of_a_type_may_be_in_many_threads_at_once() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "whole\n"), ran.stderr
