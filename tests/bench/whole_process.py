# SPDX-License-Identifier: MIT
"""What a whole process costs: wall time, CPU time and the most memory it ever held."""
import dataclasses
import os
import shutil
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
    program = shutil.which(command[0])
    if program is None:
        sys.exit(f"{command[0]} is not there")
    with open(os.devnull, "r+b") as nothing:
        streams = [(os.POSIX_SPAWN_DUP2, nothing.fileno(), stream) for stream in range(3)]
        begin = time.perf_counter()
        # Not subprocess.Popen: what that does around the child takes as long as a short command.
        child = os.posix_spawn(program, command, environment, file_actions=streams)
        # wait4 gives the figures of this one child; getrusage(RUSAGE_CHILDREN) would add up all of them.
        _, status, usage = os.wait4(child, 0)
        wall = time.perf_counter() - begin
    code = os.waitstatus_to_exitcode(status)
    if code not in answers:
        sys.exit(f"{' '.join(command)}: exit code {code}")
    return Sample(wall, usage.ru_utime + usage.ru_stime)


def peak_kib(command: list[str], environment: dict[str, str]) -> int:
    """The largest resident set of the command. Started by time(1), which is small: the kernel counts
    what a process held before its exec too, and that of a Python child is more than ours has."""
    with tempfile.NamedTemporaryFile("r") as report:
        subprocess.run(["/usr/bin/time", "-q", "-f", "%M", "-o", report.name, *command], env=environment,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=False)
        return int(report.read().split()[-1])
