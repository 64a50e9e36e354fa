# SPDX-License-Identifier: MIT
"""A program in a pseudo terminal of its own: what it shows, and what is typed."""
import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time


class PseudoTerminal:
    def __init__(self, command, directory, environment: dict, columns: int = 100, rows: int = 50):
        self.leader, self.follower = pty.openpty()
        self.columns, self.rows = columns, rows
        fcntl.ioctl(self.follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self.follower)

        def own_session():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen([str(part) for part in command], cwd=directory, env=environment,
                                        stdin=self.follower, stdout=self.follower, stderr=self.follower,
                                        preexec_fn=own_session)
        os.close(self.follower)
        self.shown = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a character may come in two pieces

    def read(self, seconds: float) -> bool:
        """Whether there is more to come."""
        ready, _, _ = select.select([self.leader], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.leader, 65536)
        except OSError:  # the program ended
            return False
        self.shown += self.decoder.decode(data)
        return bool(data)

    def until(self, pattern: str, seconds: float = 30) -> re.Match:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not re.search(pattern, self.shown):
            if not self.read(0.1):
                break
        found = re.search(pattern, self.shown)
        assert found, f"{pattern!r} is not shown:\n{self.shown}"
        return found

    def until_screen(self, pattern: str, seconds: float = 30) -> re.Match:
        """The same for the picture as it is now."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not re.search(pattern, self.screen()):
            if not self.read(0.1):
                break
        found = re.search(pattern, self.screen())
        assert found, f"{pattern!r} is not on the screen:\n{self.screen()}"
        return found

    def type(self, text: str) -> None:
        time.sleep(0.1)  # a prompt is shown just before the echo is off
        os.write(self.leader, text.encode())

    def resize(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        fcntl.ioctl(self.leader, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def modes(self) -> list:
        """The terminal's modes; equal to `before` when the program has left it as it found it."""
        return termios.tcgetattr(self.leader)

    def end(self, seconds: float = 30) -> int:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.read(0.1):
            pass
        code = self.process.wait(timeout=5)
        os.close(self.leader)
        return code

    def plain(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.shown).replace("\r\n", "\n")

    def screen(self) -> str:
        """The picture that a terminal would show now: of the sequences only those that move and wipe count."""
        text = self.shown[self.shown.rfind("\x1b[?1049h") + 1:]
        lines, row, column = [[] for _ in range(200)], 0, 0
        for part in re.finditer(r"\x1b\[([0-9;?]*)([a-zA-Z])|(\r)|(\n)|([^\x1b])", text):
            values, kind, carriage, line_feed, character = part.groups()
            if kind == "H":
                row, column = 0, 0
            elif kind == "K":
                del lines[row][column:]
            elif kind == "J":
                del lines[row][column:]
                for later in lines[row + 1:]:
                    later.clear()
            elif carriage:
                column = 0
            elif line_feed:
                row += 1
            elif character:
                lines[row].extend(" " * (column - len(lines[row])))
                lines[row][column:column + 1] = [character]
                column += 1
        return "\n".join("".join(line) for line in lines).rstrip("\n")
