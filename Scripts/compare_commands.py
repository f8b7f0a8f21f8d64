#!/usr/bin/env python3
"""What `zoo inspect FILE` costs with two executables, in turn: processor time of all its processes.

    python Scripts/compare_commands.py OLD NEW FILE...
"""
import os
import resource
import subprocess
import sys
import time

ROUNDS = 12


def cost(executable, file):
    """Milliseconds by the clock and of the processor."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([executable, "inspect", file], stdout=subprocess.DEVNULL, check=True)
    after, end = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (end - start) * 1000, used * 1000


def main():
    old, new, *files = sys.argv[1:]
    print("| file | executable | least ms by the clock | least ms of the processor |")
    print("|---|---|---|---|")
    for file in files:
        costs = {"old": [], "new": []}
        for _ in range(ROUNDS):
            for name, executable in (("old", old), ("new", new)):
                costs[name].append(cost(executable, file))
        for name, pairs in costs.items():
            clock, processor = (min(values) for values in zip(*pairs))
            print(f"| {os.path.basename(file)} | {name} | {clock:.0f} | {processor:.0f} |")


if __name__ == "__main__":
    main()
