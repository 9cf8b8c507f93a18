"""pymidi (PyPI) as the other side of a session: an object a line on standard output for what it saw.

    pymidi_peer.py respond PORT   its server, which hears MIDI and plays each note-on back
    pymidi_peer.py invite PORT…   its packets and protocols as an initiator on a hub, or on several at once; plays a note to all
                                  of them when it hears CC 3, says BY when it hears CC 9
"""
import contextlib
import io
import json
import logging
import select
import socket
import sys

from pymidi import packets
from pymidi.protocol import DataProtocol
from pymidi.server import Handler, Server

with contextlib.redirect_stdout(io.StringIO()):  # the module prints a packet when it is loaded
    from pymidi.client import Client

HOST = "127.0.0.1"


def tell(**what):
    print(json.dumps(what), flush=True)


class Complaints(logging.Handler):
    """pymidi logs what it cannot read, and what it ignores, and goes on."""

    def emit(self, record):
        error = record.exc_info[1] if record.exc_info else None
        tell(complaint=record.getMessage(), error=f"{type(error).__name__}: {error}" if error else None)


def tell_commands(commands, **more):
    for one in commands:
        values = [int(value) for name, value in one.params.items() if name in ("key", "velocity", "controller", "value", "touch")]
        rest = one.params.get("unknown") or b""
        tell(heard=bytes([one.command_byte, *values]).hex() + rest.hex(), **more)


class Player(Client):
    """pymidi's client, which makes packets and sends them nowhere."""

    def __init__(self, ssrc, sock, address):
        super().__init__(address, bind_addr=(HOST, 0), ssrc=ssrc)
        self.sock = sock

    def send_packet(self, data):
        self.sock.sendto(data, self.addr)


def respond(port):
    class Echo(Handler):
        player = None

        def on_peer_connected(self, peer):
            tell(connected=peer.name)

        def on_peer_disconnected(self, peer):
            tell(disconnected=peer.name)

        def on_midi_commands(self, peer, commands):
            tell_commands(commands)
            data = server.ipv4_protocols[1]
            self.player = self.player or Player(data.ssrc, data.socket, peer.addr)
            for one in commands:
                if one.command == "note_on":
                    # A packet that claims a journal and has none, then one without.
                    self.player.send_note_on(int(one.params.key), one.params.velocity, one.channel)
                    self.player.send_midi_command(bytes([3, 0x80 | one.channel, int(one.params.key), 64]))

    server = Server([(HOST, port)])
    server.add_handler(Echo())
    server._init_protocols()
    tell(listening=port)
    while True:
        server._loop_once()


class Session:
    """One that this side has asked for: on a hub's two ports."""

    token = 0x5E6F7081

    def __init__(self, port, heard):
        self.port = port
        self.control, self.data = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for sock in (self.control, self.data):
            sock.bind((HOST, 0))
        self.protocol = DataProtocol(self.data, midi_command_cb=lambda _, packet: heard(packet.command.midi_list))
        self.player = Player(self.protocol.ssrc, self.data, (HOST, port + 1))
        self.exchange(b"IN", self.control, port)
        first = self.accepted(self.control)
        self.exchange(b"IN", self.data, port + 1)
        second = self.accepted(self.data)
        assert first.ssrc == second.ssrc
        self.protocol._connect_peer(second.name, (HOST, port + 1), second.ssrc)
        tell(connected=second.name)

    def exchange(self, command, sock, port):
        packet = dict(command=command, protocol_version=2, initiator_token=self.token, ssrc=self.protocol.ssrc, name="pymidi")
        sock.sendto(packets.AppleMIDIExchangePacket.build(packet), (HOST, port))

    def accepted(self, sock):
        answer = packets.AppleMIDIExchangePacket.parse(sock.recv(1024))
        assert answer.command == b"OK" and answer.initiator_token == self.token, answer
        return answer

    def take(self):
        buffer, address = self.data.recvfrom(1024)
        self.protocol.handle_message(buffer, address)

    def leave(self):
        self.exchange(b"BY", self.control, self.port)


def invite(*ports):
    state = {"left": False}

    def hears(hub):
        def heard(commands):
            tell_commands(commands, hub=hub)
            for one in commands:
                if one.command != "control_mode_change":
                    continue
                if one.params.controller == 3:
                    for session in sessions:
                        session.player.send_note_on(int(packets.MIDINote.C4), 99, 2)
                if one.params.controller == 9:
                    state["left"] = True
        return heard

    sessions = [Session(port, hears(hub)) for hub, port in enumerate(ports)]
    while not state["left"]:
        for ready in select.select([session.data for session in sessions], [], [])[0]:
            next(session for session in sessions if session.data is ready).take()
    for session in sessions:
        session.leave()
    tell(left=True)


logging.getLogger("pymidi").addHandler(Complaints(logging.WARNING))
try:
    {"respond": respond, "invite": invite}[sys.argv[1]](*map(int, sys.argv[2:]))
except KeyboardInterrupt:
    pass
