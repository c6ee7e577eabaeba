import subprocess
import sys

SHOWS = """
import gc
from gateway import memory
memory.one_heap()
kept = [[] for _ in range(1000)]
memory.settle()
print(gc.get_freeze_count() >= 1000, gc.get_threshold() == (memory.ALLOCATIONS, memory.YOUNGER, memory.YOUNGER))
"""


def test_what_stands_after_the_start_is_not_collected_again_and_again() -> None:
    """In a process of its own, for it says how all memory of a process is kept."""
    run = subprocess.run([sys.executable, "-c", SHOWS], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "True"]
