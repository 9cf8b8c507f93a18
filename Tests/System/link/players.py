"""Who plays and who hears: `midihub join` on several hubs, what it played, what it heard, and how the one compares to the other."""

import collections
import json
import random
import signal
import subprocess
import threading
import time

from network import until

# What a pause of this machine has held up is not made up for by more events at once.
MOST_AT_ONCE = 100


class Sound:
    """What sounds and what is set after some messages."""

    def __init__(self):
        self.held, self.set = set(), {}

    def follow(self, message):
        kind, channel = message[0] & 0xF0, message[0] & 0x0F
        if kind == 0x90 and message[2]:
            self.held.add((channel, message[1]))
        elif kind in (0x80, 0x90):
            self.held.discard((channel, message[1]))
        elif kind in (0xA0, 0xB0):
            self.set[kind, channel, message[1]] = message[2]
        elif kind in (0xC0, 0xD0, 0xE0):
            self.set[kind, channel] = message[1:]

    def __eq__(self, other):
        return (self.held, self.set) == (other.held, other.set)


class Participant:
    def __init__(self, name, host, hubs, work, *words):
        self.name = name
        self.out, self.told = work / f"{name}.out", work / f"{name}.err"
        program = hubs[0].network.on(host, hubs[0].midihub, "join", *(hub.address for hub in hubs), "--name", name, *words)
        with open(self.out, "w") as out, open(self.told, "w") as told:
            self.process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=out, stderr=told)

    def is_on_both(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} has ended: {self.words()}")
        return "is heard once" in self.told.read_text()

    def words(self):
        return self.told.read_text()[-500:].strip() or "(it has said nothing)"

    def leave(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)
        self.process.stdin.close()


class Player(Participant):
    """Plays 1000 mixed events a second while it is told to: notes, pedals, wheels, programs, clock, short system exclusive
    messages. The first event has the number 1."""

    def __init__(self, host, hubs, work, seed):
        super().__init__("Player", host, hubs, work)
        self.dice, self.sent, self.sound = random.Random(seed), [], Sound()
        self.plays = False

    def play(self, *messages):
        now = time.time()
        for message in messages:
            self.sent.append((message, now))
            self.sound.follow(message)
        self.process.stdin.write("".join(message.hex() + "\n" for message in messages).encode())
        self.process.stdin.flush()

    def begin(self, rate=1000):
        self.plays = True
        self.thread = threading.Thread(target=self.music, args=(rate,), daemon=True)
        self.thread.start()

    def rest(self):
        self.plays = False
        self.thread.join()

    def music(self, rate):
        due = time.monotonic()
        while self.plays:
            count = int((time.monotonic() - due) * rate)
            due += count / rate
            if count:
                self.play(*(self.event() for _ in range(min(count, MOST_AT_ONCE))))
            time.sleep(0.001)

    def event(self):
        dice, kind, channel = self.dice, self.dice.random(), self.dice.randrange(4)
        if kind < 0.4:
            return bytes([0x90 | channel, dice.randrange(30, 100), dice.randrange(1, 128)])
        if kind < 0.75 and self.sound.held:
            channel, note = dice.choice(sorted(self.sound.held))
            return bytes([0x80 | channel, note, 64])
        if kind < 0.85:
            return bytes([0xB0 | channel, dice.choice([1, 7, 64]), dice.randrange(128)])
        if kind < 0.92:
            return bytes([0xE0 | channel, dice.randrange(128), dice.randrange(128)])
        if kind < 0.94:
            return bytes([0xD0 | channel, dice.randrange(128)])
        if kind < 0.95:
            return bytes([0xC0 | channel, dice.randrange(128)])
        if kind < 0.96:
            return bytes([0xF0, 0x7D, *(dice.randrange(128) for _ in range(8)), 0xF7])
        return bytes([0xF8])

    def release(self):
        """Ends whatever a hub would end for it."""
        self.play(*(bytes([0x80 | channel, note, 64]) for channel, note in sorted(self.sound.held)))
        for channel in range(4):
            self.play(bytes([0xB0 | channel, 64, 0]), bytes([0xB0 | channel, 1, 0]), bytes([0xD0 | channel, 0]))
            self.play(bytes([0xE0 | channel, 0, 64]))


class Hearer(Participant):
    def __init__(self, name, host, hubs, work):
        super().__init__(name, host, hubs, work, "--dump", "--json")
        self.lines, self.read, self.sound = open(self.out), [], Sound()
        self.number = 0

    def newest(self):
        """The last line so far, or an empty one."""
        with open(self.out, "rb") as file:
            file.seek(max(0, file.seek(0, 2) - 2000))
            lines = file.read().split(b"\n")
        return json.loads(lines[-2]) if len(lines) > 2 else {}

    def hears_by_both(self, player, after):
        """Of what was played after that number, something has come by both hubs."""
        newest = self.newest()
        return (newest.get("number") or 0) > after and len(newest["by"]) == 2

    def take(self):
        """What has come since it was asked last."""
        taken = []
        while True:
            at = self.lines.tell()
            line = self.lines.readline()
            if not line.endswith("\n"):
                self.lines.seek(at)
                return taken
            taken.append(json.loads(line))
            self.sound.follow(bytes.fromhex(taken[-1]["bytes"]))


class Comparison:
    """What a hearer has got of what was played from one number to another."""

    def __init__(self, hearer, player, first, last):
        # It has all, or nothing more comes.
        until(f"an end of what {hearer.name} hears", lambda: (hearer.newest().get("number") or 0) >= last or idle(hearer))
        time.sleep(0.3)
        self.name = hearer.name
        heard = hearer.take()
        numbers = [line["number"] for line in heard if line.get("number")]
        counts = collections.Counter(numbers)
        wanted = range(first, last + 1)
        self.count = len(wanted)
        self.lost = sum(number not in counts for number in wanted)
        self.doubled = sum(count - 1 for count in counts.values()) + sum(number not in wanted for number in counts)
        self.disordered = sum(later <= earlier for earlier, later in zip(numbers, numbers[1:]))
        self.made_up = sum(not line.get("number") for line in heard)
        self.wrong = sum(bytes.fromhex(line["bytes"]) != player.sent[line["number"] - 1][0]
                         for line in heard if line.get("number") in wanted)
        self.by_one = sum(len(line["by"]) == 1 for line in heard if line.get("number"))
        self.state_differs = hearer.sound != player.sound
        # Each with the time at which it was played, in ms.
        self.late = [(player.sent[line["number"] - 1][1], line["time"] - 1000 * player.sent[line["number"] - 1][1])
                     for line in heard if line.get("number") in wanted]
        self.first_lost = next((number for number in wanted if number not in counts), None)
        self.first_made_up = next((line for line in heard if not line.get("number")), None)

    @property
    def faults(self):
        named = {"lost": self.lost, "doubled": self.doubled, "out of order": self.disordered, "without a number": self.made_up,
                 "with other octets": self.wrong, "other state at rest": int(self.state_differs)}
        words = [f"{count} {name}" for name, count in named.items() if count]
        if not words:
            return ""
        more = [f"the first lost is number {self.first_lost}"] * bool(self.lost)
        more += [f"the first without a number: {json.dumps(self.first_made_up)}"] * bool(self.made_up)
        return f"{self.name}: of {self.count}: {', '.join(words + more)}"


def idle(hearer):
    """Nothing more has come in the last seconds."""
    newest = hearer.newest()
    return bool(newest) and time.time() - newest["time"] / 1000 > 10


def spread(values):
    """As words: median, 99th percentile and largest."""
    values = sorted(values)
    if not values:
        return "nothing"
    return f"p50 {values[len(values) // 2]:.1f}, p99 {values[int(len(values) * 0.99)]:.1f}, max {values[-1]:.1f} ms"
