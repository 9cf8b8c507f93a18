"""pymidi (PyPI) as the other side of a session: an object a line on standard output for what it saw.

    pymidi_peer.py respond PORT   its server, which hears MIDI and plays each note-on back
    pymidi_peer.py invite PORT    its packets and protocols as an initiator on a hub; plays a note when it hears CC 3, says BY
                                  when it hears CC 9
"""
import contextlib
import io
import json
import logging
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


def tell_commands(commands):
    for one in commands:
        values = [int(value) for name, value in one.params.items() if name in ("key", "velocity", "controller", "value", "touch")]
        rest = one.params.get("unknown") or b""
        tell(heard=bytes([one.command_byte, *values]).hex() + rest.hex())


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


def invite(port):
    token = 0x5E6F7081
    control, data = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for sock in (control, data):
        sock.bind((HOST, 0))
    state = {"left": False}

    def commands(peer, packet):
        tell_commands(packet.command.midi_list)
        for one in packet.command.midi_list:
            if one.command != "control_mode_change":
                continue
            if one.params.controller == 3:
                player.send_note_on(int(packets.MIDINote.C4), 99, 2)
            if one.params.controller == 9:
                state["left"] = True

    protocol = DataProtocol(data, midi_command_cb=commands)
    player = Player(protocol.ssrc, data, (HOST, port + 1))

    def exchange(command, sock, address):
        sock.sendto(
            packets.AppleMIDIExchangePacket.build(
                dict(command=command, protocol_version=2, initiator_token=token, ssrc=protocol.ssrc, name="pymidi")
            ),
            address,
        )

    def accepted(sock):
        answer = packets.AppleMIDIExchangePacket.parse(sock.recv(1024))
        assert answer.command == b"OK" and answer.initiator_token == token, answer
        return answer

    exchange(b"IN", control, (HOST, port))
    first = accepted(control)
    exchange(b"IN", data, (HOST, port + 1))
    second = accepted(data)
    assert first.ssrc == second.ssrc
    protocol._connect_peer(second.name, (HOST, port + 1), second.ssrc)
    tell(connected=second.name)
    while not state["left"]:
        buffer, address = data.recvfrom(1024)
        protocol.handle_message(buffer, address)
    exchange(b"BY", control, (HOST, port))
    tell(left=True)


logging.getLogger("pymidi").addHandler(Complaints(logging.WARNING))
try:
    {"respond": respond, "invite": invite}[sys.argv[1]](int(sys.argv[2]))
except KeyboardInterrupt:
    pass
