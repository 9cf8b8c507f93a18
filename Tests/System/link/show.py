"""One controller, two hubs, two computers: README's lines, with addresses in place of the hubs' names."""

import pathlib
import re
import shlex
import time

from network import until
from players import Hearer

ROOT = pathlib.Path(__file__).resolve().parents[3]
SECTION = "## One controller, two hubs, two computers"
# The controller's pads light up for these.
LEFT, RIGHT = ["900005", "900103", "b03040"], ["900001", "900202", "b03011"]


def lines():
    """The indented lines of README's section: what is configured, then commands."""
    section = (ROOT / "README.md").read_text().split(SECTION + "\n")[1].split("\n## ")[0]
    return [line.strip() for line in re.findall(r"^    (\S.*)$", section, re.M)]


def configuration():
    return next(line for line in lines() if line.startswith("{"))


def joins():
    """By name, the words behind `midihub join A B --name NAME`."""
    found = [shlex.split(line)[2:] for line in lines() if line.startswith("midihub join ")]
    return {words[words.index("--name") + 1]: words for words in found}


class One(Hearer):
    """A line of README, with what comes as text in place of an ALSA port, which hosts here do not have."""

    def __init__(self, name, host, hubs, work):
        words = joins()[name]
        assert words[:4] == ["A", "B", "--name", name], words
        super().__init__(name, host, hubs, work)
        self.heard = []

    def play(self, *messages):
        self.process.stdin.write("".join(message + "\n" for message in messages).encode())
        self.process.stdin.flush()

    def take(self):
        taken = super().take()
        # Whoever joins is also told what others have set who were here before.
        self.heard += [line["bytes"] for line in taken if line["bytes"].startswith("95")]
        return taken

    def shows(self, *lights):
        """Its pads and faders as they are lit, and no others."""
        self.take()
        held = {(0, int(light[2:4], 16)) for light in lights if light[0] == "9"}
        faders = {int(light[2:4], 16): int(light[4:], 16) for light in lights if light[0] == "b"}
        return self.sound.held == held and all(self.sound.set.get((0xB0, 0, key)) == value for key, value in faders.items())


def give_focus(hubs, name):
    line = next(line for line in lines() if line.startswith("midihub focus "))
    for hub in hubs:
        # A hub whose engine was killed is about to know again who is there.
        until(f"the focus for {name}", lambda: not hub.say(*line.split()[1:-1], name, check=False).returncode)


def show(hubs, work, story, dice):
    controller, left, right = (One(*one, hubs, work) for one in [("APC40", "S"), ("Left", "C"), ("Right", "D")])
    computers = [left, right]
    try:
        for one in [controller, *computers]:
            until(f"{one.name} on both hubs", one.is_on_both)
        with story("one controller, two hubs, two computers: both hear it once, though a hub dies") as told:
            music = [f"95{number % 128:02x}{number // 128 + 1:02x}" for number in range(1500)]
            for start in range(0, len(music), 5):
                if start == 500:
                    hubs[0].is_killed(dice)
                controller.play(*music[start:start + 5])
                time.sleep(0.01)
            for one in computers:
                until(f"{one.name} has heard it", lambda: one.take() is None or len(one.heard) >= len(music))
                if one.heard != music:
                    raise RuntimeError(f"{one.name} heard {len(one.heard)}, of {len(music)}")
            told.append(f"{len(music)} notes: 0 lost, 0 doubled")
        with story("the lights are those of who has the focus, and change with it") as told:
            give_focus(hubs, "Left")
            left.play(*LEFT)
            right.play(*RIGHT)
            until("Left's lights", lambda: controller.shows(*LEFT))
            hubs[1].is_killed(dice)
            give_focus(hubs, "Right")
            until("Right's lights", lambda: controller.shows(*RIGHT))
            told.append("through a hub's death")
        with story("who has the focus and is switched off leaves the controller dark, and the other one lights it again"):
            right.leave(9)
            until("no lights", lambda: controller.shows())
            give_focus(hubs, "Left")
            until("Left's lights", lambda: controller.shows(*LEFT))
    finally:
        for one in [controller, *computers]:
            one.leave()
