"""Seconds to `import rtbench`, and to `rtbench --help`, each as a process of its own.

    python tests/benchmarks/bench_import.py [rounds]

The time of an interpreter that does nothing is taken off `import rtbench`, and not off `rtbench --help`,
which a user waits for as a whole. Contenders take turns, and the median is told; bounds: 50 ms and 300 ms.
Exit code 1 where one is broken.
"""

import subprocess
import sys
import time
from statistics import median

IMPORT_BOUND_MS, HELP_BOUND_MS = 50.0, 300.0
COMMANDS = {
    "nothing": ["-c", "pass"],
    "import rtbench": ["-c", "import rtbench"],
    "rtbench --help": ["-m", "rtbench", "--help"],
}


def wall_ms(arguments: list[str]) -> float:
    start_ns = time.perf_counter_ns()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter_ns() - start_ns) / 1e6


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    for arguments in COMMANDS.values():  # files into the page cache, bytecode onto the disk
        wall_ms(arguments)
    walls = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, arguments in COMMANDS.items():
            walls[name].append(wall_ms(arguments))
    print(f"{'ms':16} {'median':>8} {'min':>8} {'n':>4}")
    for name, values in walls.items():
        print(f"{name:16} {median(values):8.1f} {min(values):8.1f} {rounds:4}")
    pairs = zip(walls["import rtbench"], walls["nothing"], strict=True)
    import_ms = median(imported - nothing for imported, nothing in pairs)
    help_ms = median(walls["rtbench --help"])
    print(f"import rtbench alone: {import_ms:.1f} ms (bound {IMPORT_BOUND_MS:.0f})")
    print(f"rtbench --help: {help_ms:.1f} ms (bound {HELP_BOUND_MS:.0f})")
    broken = import_ms > IMPORT_BOUND_MS or help_ms > HELP_BOUND_MS
    print(f"{'BROKEN' if broken else 'within bounds'}: {' '.join(['python', *sys.argv])}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
