# SPDX-License-Identifier: MIT
"""What a whole process costs: wall time, CPU time and the most memory it ever held."""
import dataclasses
import os
import subprocess
import sys
import tempfile
import time


@dataclasses.dataclass
class Sample:
    wall: float  # seconds
    cpu: float  # seconds, user and system


def measure(command: list[str], environment: dict[str, str], answers: tuple[int, ...] = (0,)) -> Sample:
    """Runs the command to its end, its output thrown away. An exit code that is not among the answers
    ends the benchmark: there is nothing to measure in a failure."""
    begin = time.perf_counter()
    child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    # wait4 gives the figures of this one child; getrusage(RUSAGE_CHILDREN) would add up all of them.
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in answers:
        sys.exit(f"{' '.join(command)}: exit code {child.returncode}")
    return Sample(wall, usage.ru_utime + usage.ru_stime)


def peak_kib(command: list[str], environment: dict[str, str]) -> int:
    """The largest resident set of the command. Started by time(1), which is small: the kernel counts
    what a process held before its exec too, and that of a Python child is more than ours has."""
    with tempfile.NamedTemporaryFile("r") as report:
        subprocess.run(["/usr/bin/time", "-q", "-f", "%M", "-o", report.name, *command], env=environment,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=False)
        return int(report.read().split()[-1])
