"""Writes first corpora for scripts/fuzz from the test vectors: corpora.py FIXTURES DIRECTORY."""
import json
import pathlib
import struct
import sys

fixtures, target = map(pathlib.Path, sys.argv[1:])
vectors = json.loads((fixtures / "vectors.json").read_text())
scenarios = json.loads((fixtures / "scenarios.json").read_text())


def put(corpus, name, octets):
    (target / corpus).mkdir(parents=True, exist_ok=True)
    (target / corpus / name).write_bytes(octets)


def udp(octets, port):
    """The datagram in an IPv4 packet."""
    head = struct.pack(">BBHIBBH4s4s", 0x45, 0, 28 + len(octets), 0, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    return head + struct.pack(">HHHH", port + 2, port, 8 + len(octets), 0) + octets


def pcap(packets):
    file = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for packet in packets:
        file += struct.pack("<IIII", 1, 0, len(packet), len(packet)) + packet
    return file


def payloads(packets, order):
    """The form of the journal target: how many are missing, length, payload."""
    result, before = b"", -1
    for index in order:
        payload = packets[index][12:]
        result += bytes([max(0, index - before) & 15]) + struct.pack(">H", len(payload)) + payload
        before = index
    return result


for vector in vectors:
    octets, name = bytes.fromhex(vector["hex"]), vector["name"]
    if octets[:2] == b"\xff\xff" or vector["channel"] == "control":
        put("session", name, octets)
        for side in (0, 1):
            put("conversation", f"{name}-{side}", bytes([side]) + bytes([0, len(octets)]) + octets + bytes([1, len(octets)]) + octets)
    else:
        put("stream", name, octets)
        put("journal", name, payloads([octets, octets], [0, 1]))
    put("capture", name, pcap([udp(octets, 5004 if vector["channel"] == "control" else 5005)]))
for scenario in scenarios:
    packets = [bytes.fromhex(text) for text in scenario["packets"]]
    put("journal", scenario["name"], payloads(packets, scenario["delivery"]))
    put("capture", scenario["name"], pcap([udp(packet, 5005) for packet in packets]))
    put("capture", scenario["name"] + ".lines", "\n".join(f"data @a {text}" for text in scenario["packets"]).encode())
put("sender", "notes", bytes.fromhex("900c3c64 00000000 800c3c40 01000000 b00c0740 00000000 40000000 e00c0050 01000000 00000000"))
put("sender", "parameters", bytes.fromhex("b0086500 b0086400 01000000 b0080602 00000000 b0087b00 01000000 c0000500 00000000"))
put("music", "bytes", bytes.fromhex("903c643e40 f8 f07e7f0901f7 c005 f20102"))
put("music", "file", bytes.fromhex(
    "4d546864 00000006 0001 0002 0060 4d54726b 00000010 00ff510307a120 00f00243f7 00ff2f00"
    "4d54726b 00000010 00923060 003c60 8140823040 00ff2f00"))
put("lists", "glued", b"[144, 60, 100][128, 60, 64][248][195, 5][240, 126, 127, 6, 1, 247][144, 6" + bytes([9]))
put("lists", "odd", b"[144,060,\t64]\r\n[144, 300, 64]x[][176, 7, 1][176, 7, 2]" + bytes([3]))
# Three sealed, which arrive once, again, changed, cut and at their sender; and what nobody has sealed.
put("envelope", "session", bytes.fromhex("0000 0003 00f0 0101 0100 0100 02020081 030203 0300ff 0420") + b"MHT\x01\0\0\0\7" + bytes(24))
head = "ffff4d48 00000001 {:02x} {:02x} 0000"
for name, kind, flags, body in [
    ("hello", 1, 0, "01 01 000a 0000000000000001"), ("welcome", 2, 0, "01 01 03e8 0000000000000002"),
    ("events", 3, 0, "00000007 00000009 00000000 00000000 01 00 8007 903c64 0a 803c40"),
    ("answer", 3, 2, "00000007 00000001 00000000 00000000 00 00 8004 f00102f7"),
    ("pulse", 4, 1, "00c8 02 00 00000007 00000009 00000001 00000000"),
    ("want", 5, 0, "00000007 00000001 00000003"), ("state", 6, 1, "00000007 00000009 00 01 0000 8007 b0071e 00 903c64"),
    ("gone", 7, 0, "00000007 00000009 00 000000"), ("report", 11, 0, "00" * 24 + "0200"),
    ("identity", 12, 0, "00000007 05 06 0000" + b"APC40Faders".hex()),
]:
    put("link", name, bytes.fromhex(head.format(kind, flags) + body))
put("merge", "music", bytes(range(256)))
put("merge", "losses", bytes([0, 8, 80, 16, 96, 128, 200, 129, 8, 72, 130, 224, 131, 16, 192, 132, 240, 133]))
