"""A terminal: terminal.py ORDERS COMMAND…. Runs COMMAND on a pty of 100 by 20 cells and writes what it says to standard
output. ORDERS is a file that grows by lines: "keys TEXT", "size COLUMNS ROWS". At the end: <<end CODE same|changed>>, for
whether the terminal is as it was."""
import fcntl
import os
import pty
import select
import struct
import sys
import termios

orders, command = open(sys.argv[1]), sys.argv[2:]
# The other side is kept open, to look at its settings when the program has ended.
master, slave = os.openpty()


def size(columns, rows):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


size(100, 20)
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for number in range(3):
        os.dup2(slave, number)
    os.closerange(3, 100)
    os.execv(command[0], command)
code = None
while True:
    ready = select.select([master], [], [], 0.02)[0]
    if ready:
        os.write(1, os.read(master, 65536))
    elif code is not None:
        break
    for line in orders.readlines():
        word, rest = line.rstrip("\n").split(" ", 1)
        if word == "keys":
            os.write(master, rest.encode().decode("unicode_escape").encode())
        else:
            size(*map(int, rest.split()))
    if code is None:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
same = termios.tcgetattr(slave) == before
os.write(1, f"\n<<end {code} {'same' if same else 'changed'}>>\n".encode())
