"""Two hubs as a pair: README's lines, first as they are, on one host; then on two, with what README says to change."""

import json
import pathlib
import re
import textwrap
import time

from network import run, until

ROOT = pathlib.Path(__file__).resolve().parents[3]
SECTION = "## Two hubs as a pair"
# Whoever reads and types it takes longer than the machine.
LONGEST = 5 * 60


def commands():
    """The indented lines of README's section as a shell takes them, without what stands beside a command; one by one."""
    section = (ROOT / "README.md").read_text().split(SECTION + "\n")[1].split("\n## ")[0]
    lines = textwrap.dedent("\n".join(line for line in section.split("\n") if line.startswith("    ")))
    # A file that is written is one command.
    whole = re.findall(r"^cat .*?^END$|^midihub .*?$", lines, re.M | re.S)
    return [re.sub(r"   .*", "", one) if one.startswith("midihub") else one for one in whole]


class Typed:
    """Somebody who types README's lines at a host's prompt."""

    def __init__(self, midihub, network, work):
        self.network, self.work = network, work
        self.path = f"PATH={midihub.parent}:/usr/sbin:/usr/bin:/sbin:/bin"
        work.mkdir()

    def type(self, host, line, check=True):
        words = self.network.on(host, "env", self.path, "bash", "-c", line)
        return run(*words, check=check, cwd=self.work)

    def failover(self, host, state):
        said = self.type(host, f"midihub failover --json --state {state}", check=False).stdout
        return json.loads(said) if said.startswith("{") else {}

    def play(self, hosts, lines):
        """`hosts`: of the hubs a and b."""
        def host(line):
            return hosts["b" if re.search(r"\./b|b\.json5", line) else "a"]

        def speaks(state):
            return self.failover(hosts[state], f"./{state}").get("speaks")

        def ready():
            return all(self.failover(hosts[state], f"./{state}").get("ready") for state in "ab")
        began = time.monotonic()
        [order] = [line for line in lines if " switch " in line]
        [stop] = [line for line in lines if line.startswith("midihub stop ")]
        try:
            for line in lines[:lines.index(order)]:
                # How it is shows when the two have found each other; until then it is an exit code.
                self.type(host(line), line, check="failover" not in line)
            until("a pair", ready)
            took = time.monotonic() - began
            if took > LONGEST:
                raise RuntimeError(f"a pair in {took:.0f} s")
            if not speaks("a"):
                raise RuntimeError("hub A does not speak")
            # The other one has to have been there for a moment.
            until("the switch", lambda: not self.type(host(order), order, check=False).returncode)
            until("hub B to speak", lambda: speaks("b") and not speaks("a"))
            self.type(host(stop), stop)
            until("hub A to speak again", lambda: speaks("a"))
        finally:
            for state in "ab":
                self.type(hosts[state], f"midihub stop --state ./{state}", check=False)
        return f"a pair in {took:.1f} s"


def on_two_hosts(lines, addresses):
    """The addresses are the other ones', the ports the usual ones."""
    def change(line, own, other):
        line = re.sub(r'with: "127\.0\.0\.1:\d+"', f'with: "{other}"', line)
        return re.sub(r"ports: \[\d+\]", "ports: [5004]", line)
    (a, b) = addresses
    return [change(line, b, a) if "> b.json5" in line else change(line, a, b) for line in lines]


def pair(midihub, network, work, story):
    lines = commands()
    with story("two hubs as a pair: README's lines on one host") as told:
        told.append(Typed(midihub, network, work / "one").play({"a": "E", "b": "E"}, lines))
    with story("two hubs as a pair: README's lines on two hosts") as told:
        changed = on_two_hosts(lines, [network.hosts["D"], network.hosts["E"]])
        told.append(Typed(midihub, network, work / "two").play({"a": "D", "b": "E"}, changed))
