# SPDX-License-Identifier: MIT
"""Runs a command under ptrace and stops at the system calls of its child processes or of itself.

strace can inject too, but it counts in every process alike: the n-th call of the caller would be hit
before the helper, whose calls are what matters here, even exists.
"""
import ctypes
import errno
import os
import platform
import signal
import subprocess

PTRACE_TRACEME, PTRACE_GETREGS, PTRACE_SETREGS, PTRACE_CONT = 0, 12, 13, 7
PTRACE_SYSCALL, PTRACE_SETOPTIONS, PTRACE_GET_SYSCALL_INFO = 24, 0x4200, 0x420E
TRACE_SYSGOOD, TRACE_FORK, TRACE_VFORK, TRACE_CLONE, TRACE_EXEC = 1, 2, 4, 8, 16
WALL = 0x40000000

# x86-64; the others get skipped tests.
NAMES = {0: "read", 1: "write", 2: "open", 3: "close", 9: "mmap", 18: "pwrite64", 20: "writev", 26: "msync",
         42: "connect", 44: "sendto", 45: "recvfrom", 46: "sendmsg", 47: "recvmsg", 73: "flock", 74: "fsync",
         75: "fdatasync", 76: "truncate", 77: "ftruncate", 82: "rename", 83: "mkdir", 84: "rmdir", 87: "unlink",
         231: "exit_group", 257: "openat", 258: "mkdirat", 263: "unlinkat", 264: "renameat", 285: "fallocate",
         316: "renameat2", 41: "socket", 59: "execve", 17: "pread64", 288: "accept4", 280: "utimensat"}
CLOSE = 3
SUPPORTED = platform.machine() == "x86_64"

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


class SyscallInfo(ctypes.Structure):
    _fields_ = [("op", ctypes.c_uint8), ("pad", ctypes.c_uint8 * 3), ("arch", ctypes.c_uint32),
                ("instruction", ctypes.c_uint64), ("stack", ctypes.c_uint64), ("number", ctypes.c_uint64),
                ("arguments", ctypes.c_uint64 * 6)]


ENTRY = 1


def ptrace(request: int, pid: int, address=0, data=0) -> int:
    returned = libc.ptrace(request, pid, address, data)
    if returned < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return returned


def syscall_info(pid: int) -> SyscallInfo:
    info = SyscallInfo()
    ptrace(PTRACE_GET_SYSCALL_INFO, pid, ctypes.sizeof(info), ctypes.addressof(info))
    return info


def registers(pid: int):
    regs = (ctypes.c_uint64 * 27)()
    ptrace(PTRACE_GETREGS, pid, 0, ctypes.addressof(regs))
    return regs


RAX, ORIG_RAX = 10, 15


def group_of(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("Tgid:"))


class Stop:
    """One system call that is about to happen."""

    def __init__(self, pid: int, group: int, number: int, arguments):
        self.pid, self.group, self.number, self.arguments = pid, group, number, arguments
        self.name = NAMES.get(number, str(number))

    def file(self, argument: int = 0) -> str:
        """Where the descriptor in that argument leads."""
        try:
            return os.readlink(f"/proc/{self.pid}/fd/{self.arguments[argument]}")
        except OSError:
            return ""

    def text(self, argument: int) -> str:
        """The path that argument points to."""
        return self.memory(argument, 4096).split(b"\0")[0].decode("utf-8", "replace")

    def memory(self, argument: int, size: int) -> bytes:
        """So many bytes from where that argument points."""
        try:
            with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as memory:
                memory.seek(self.arguments[argument])
                return memory.read(size)
        except OSError:
            return b""

    def sends_a_token(self) -> bool:
        """Whether it is a send whose bytes are a token request's; the header may have gone before."""
        return self.name == "sendto" and b"refresh_token" in self.memory(1, self.arguments[2])

    def open_descriptors(self) -> list[str]:
        """Where each leads."""
        place, found = f"/proc/{self.group}/fd", []
        for number in os.listdir(place):
            try:
                found.append(os.readlink(f"{place}/{number}"))
            except OSError:  # another thread has just closed it
                continue
        return sorted(found)


class Tracer:
    """`watch(stop)` is called before each system call of the children of the command (`of="helper"`), or of
    the command itself (`of="caller"`). It returns None to let it happen, "kill" to SIGKILL the process, or the
    number of an error that the call answers instead of happening."""

    def __init__(self, command: list[str], watch, of: str = "helper", **more):
        self.watch, self.of, self.command, self.more = watch, of, command, more
        self.killed = False

    def run(self) -> int:
        """Until the command and all its children have ended: the command's return code."""
        self.process = subprocess.Popen(self.command, preexec_fn=lambda: libc.ptrace(PTRACE_TRACEME, 0, 0, 0), **self.more)
        root = self.process.pid
        os.waitpid(root, WALL)
        ptrace(PTRACE_SETOPTIONS, root, 0, TRACE_SYSGOOD | TRACE_FORK | TRACE_VFORK | TRACE_CLONE | TRACE_EXEC)
        ptrace(PTRACE_SYSCALL, root)
        alive, groups, failing = {root}, {root: root}, {}
        code = None
        while alive:
            try:
                pid, status = os.waitpid(-1, WALL)
            except ChildProcessError:
                break
            if os.WIFEXITED(status) or os.WIFSIGNALED(status):
                alive.discard(pid)
                if pid == root:
                    code = os.waitstatus_to_exitcode(status)
                continue
            if pid not in alive:  # a new child; its group is known once it runs
                alive.add(pid)
            groups.setdefault(pid, group_of(pid))
            number = os.WSTOPSIG(status)
            deliver = 0
            try:
                if number == signal.SIGTRAP | 0x80:
                    self.at_syscall(pid, groups[pid], root, failing)
                elif number not in (signal.SIGTRAP, signal.SIGSTOP):
                    deliver = number
                ptrace(PTRACE_SYSCALL, pid, 0, deliver)
            except OSError as error:
                if error.errno != errno.ESRCH:  # it has died meanwhile
                    raise
        self.process.returncode = code
        return code

    def at_syscall(self, pid: int, group: int, root: int, failing: dict) -> None:
        if pid in failing:  # the end of a call that we made fail
            regs = registers(pid)
            regs[RAX] = (1 << 64) - failing.pop(pid)
            ptrace(PTRACE_SETREGS, pid, 0, ctypes.addressof(regs))
            return
        if (group == root) != (self.of == "caller"):
            return
        info = syscall_info(pid)
        if info.op != ENTRY:
            return
        wanted = self.watch(Stop(pid, group, info.number, info.arguments))
        if wanted == "kill":
            self.killed = True
            os.kill(group, signal.SIGKILL)
        elif wanted is not None:
            if info.number != CLOSE:  # which releases the descriptor also when it answers an error
                regs = registers(pid)
                regs[ORIG_RAX] = (1 << 64) - 1  # no such call: the kernel does nothing
                ptrace(PTRACE_SETREGS, pid, 0, ctypes.addressof(regs))
            failing[pid] = wanted
