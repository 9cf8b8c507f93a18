"""Hosts as network namespaces on one switch, with cables to pull and paths that lose packets; and hubs that run on them."""

import contextlib
import json
import os
import signal
import subprocess
import time

# Of what this machine may take for something that is a matter of moments: it may be busy with other things.
PATIENCE = 60


def run(*words, check=True, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=3 * PATIENCE, **options)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))}: exit code {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done


def until(what, condition, patience=PATIENCE):
    """Waits until the condition gives something true, and gives that."""
    end = time.monotonic() + patience
    while not (result := condition()):
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not in {patience} s")
        time.sleep(0.05)
    return result


class Network:
    """A namespace for each host and one for the switch between them."""

    def __init__(self, hosts):
        self.prefix = f"midihub{os.getpid()}-"
        self.switch = self.prefix + "switch"
        self.hosts = {host: f"10.77.7.{number}" for number, host in enumerate(hosts, 1)}
        try:
            self.build()
        except BaseException:
            self.close()
            raise

    def build(self):
        run("ip", "netns", "add", self.switch)
        run("ip", "-n", self.switch, "link", "add", "lan", "type", "bridge")
        run("ip", "-n", self.switch, "link", "set", "lan", "up")
        for host, address in self.hosts.items():
            space = self.prefix + host
            run("ip", "netns", "add", space)
            run("ip", "-n", self.switch, "link", "add", f"to-{host}", "type", "veth", "peer", "lan", "netns", space)
            run("ip", "-n", self.switch, "link", "set", f"to-{host}", "master", "lan", "up")
            run("ip", "-n", space, "address", "add", f"{address}/24", "dev", "lan")
            run("ip", "-n", space, "link", "set", "lan", "up")
            run("ip", "-n", space, "link", "set", "lo", "up")
        self.lose(5)
        self.lose(0)

    def on(self, host, *words):
        """A command's words, for that host."""
        return ["ip", "netns", "exec", self.prefix + host, *map(str, words)]

    def plug(self, host, isIn):
        run("ip", "-n", self.switch, "link", "set", f"to-{host}", "up" if isIn else "down")

    def lose(self, percent):
        """Every host does not get so many of a hundred packets that come to it."""
        for host in self.hosts:
            run(*self.on(host, "nft", "flush", "ruleset"))
            if percent:
                rules = f"""
                    table ip loss {{
                        chain input {{
                            type filter hook input priority 0
                            iifname lan numgen random mod 100 < {percent} drop
                        }}
                    }}"""
                run(*self.on(host, "nft", "-f", "-"), input=rules)

    def close(self):
        for space in [*(self.prefix + host for host in self.hosts), self.switch]:
            for pid in run("ip", "netns", "pids", space, check=False).stdout.split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            run("ip", "netns", "delete", space, check=False)


class Hub:
    """A hub on a host, with ports as they are unless said otherwise."""

    def __init__(self, midihub, network, host, work):
        self.midihub, self.network, self.host, self.state = midihub, network, host, work / host
        self.address = network.hosts[host]
        self.deaths = 0

    def say(self, command, *words, check=True):
        return run(*self.network.on(self.host, self.midihub, command, "--state", self.state, *words), check=check)

    def start(self):
        self.say("start", "--engine", "embedded", "--listen", "127.0.0.1:8080")
        self.deaths = 0

    def status(self):
        """What `status --json` says, or nothing where no hub answers."""
        said = self.say("status", "--json", check=False).stdout
        return json.loads(said) if said else {}

    def engine(self):
        """The running engine's pid, if it is up."""
        engines = self.status().get("engines") or [{}]
        return engines[0].get("pid") if engines[0].get("state") == "up" else None

    def stop(self):
        self.say("stop", check=False)

    # What may befall it. All give back when it is over, and the time at which it began.

    def is_killed(self, dice):
        """Its engine, which the hub starts anew."""
        self.begin_anew()
        pid = until(f"an engine of {self.host}", self.engine)
        began = time.time()
        os.kill(pid, signal.SIGKILL)
        until(f"another engine of {self.host}", lambda: self.engine() not in (None, pid))
        self.deaths += 1
        return began

    def begin_anew(self):
        """An engine that dies again soon waits longer and longer for its next start; under a new hub it does not."""
        if self.deaths:
            self.say("restart")
            self.deaths = 0

    def is_frozen(self, dice):
        """Its engine, for a moment, or for longer than anybody waits."""
        self.begin_anew()
        pid = until(f"an engine of {self.host}", self.engine)
        began = time.time()
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(dice.uniform(0.05, 3))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.deaths += 1
        return began

    def is_cut_off(self, dice):
        """Its cable is pulled, and plugged in again."""
        began = time.time()
        self.network.plug(self.host, False)
        try:
            time.sleep(dice.uniform(0.05, 3))
        finally:
            self.network.plug(self.host, True)
        return began

    def is_without_hub(self, dice):
        """The hub's own process, under its engine."""
        pid = self.status()["pid"]
        began = time.time()
        os.kill(pid, signal.SIGKILL)
        time.sleep(dice.uniform(0.05, 1))
        self.start()
        return began
