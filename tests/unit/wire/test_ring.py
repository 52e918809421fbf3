"""TPACKET_V3 blocks: built by hand as linux/if_packet.h lays them out."""

import struct

from correlator.core.frames import Packet
from correlator.wire.ring import BLOCK_HEADER, frames, used

FRAME = bytes(range(60))
AT = 1_700_000_000, 123_456_789


def frame(
    *, hardware: int = 1, kind: int = 0, status: int = 0, tci: int = 0, tpid: int = 0, last: bool = True, net: int = 14
) -> bytes:
    """Struct tpacket3_hdr, struct sockaddr_ll, and the frame."""
    mac = 82
    step = 0 if last else mac + len(FRAME)
    head = struct.pack("=IIIIIIHH", step, *AT, len(FRAME), len(FRAME) + 40, status, mac, mac + net)
    head += struct.pack("=IIHH8x", 0, tci, tpid, 0)
    head += struct.pack("=HHiHBB8x", 17, 8, 3, hardware, kind, 6)
    return head.ljust(mac, b"\0") + FRAME


def block(*inside: bytes) -> bytes:
    """Struct tpacket_block_desc and its frames."""
    size = BLOCK_HEADER + sum(map(len, inside))
    return struct.pack("=IIIIIIQ16x", 3, 0, 1, len(inside), BLOCK_HEADER, size, 1) + b"".join(inside)


def packets(block: bytes) -> list[Packet]:
    """The packets of a block."""
    return frames(block, number).packets()


def number(index: int, link_type: int) -> int:
    """An interface's number."""
    return index * 1000 + link_type


def test_an_ethernet_frame() -> None:
    """As it was on the wire, with the kernel's time."""
    made = block(frame(last=False), frame())
    assert used(made[:BLOCK_HEADER]) == len(made)
    one = Packet(AT[0] * 1_000_000_000 + AT[1], 1, 3001, FRAME, len(FRAME) + 40)
    assert packets(made) == [one, one]


def test_the_vlan_tag_that_the_kernel_took_off_is_put_back() -> None:
    """With its own ethertype, where the kernel tells it."""
    (tagged,) = packets(block(frame(status=1 << 4, tci=0x2064)))
    assert tagged.data == FRAME[:12] + bytes.fromhex("81002064") + FRAME[12:]
    assert tagged.wire_length == len(FRAME) + 44
    (tagged,) = packets(block(frame(status=1 << 4 | 1 << 6, tci=0x64, tpid=0x88A8)))
    assert tagged.data[12:16] == bytes.fromhex("88a80064")


def test_loopback_is_seen_once() -> None:
    """Going and coming are one packet; on another interface what goes is a packet as any."""
    assert packets(block(frame(hardware=772, kind=4))) == []
    assert len(packets(block(frame(hardware=772)))) == 1
    assert len(packets(block(frame(hardware=1, kind=4)))) == 1


def test_an_interface_without_ethernet_gives_network_packets() -> None:
    """A tunnel, say."""
    (packet,) = packets(block(frame(hardware=776)))
    assert (packet.link_type, packet.interface, packet.data) == (101, 3101, FRAME[14:])
    assert packet.wire_length == len(FRAME) + 40 - 14


def test_a_block_that_is_cut_short() -> None:
    """No frame is read past its end."""
    made = block(frame(last=False), frame())
    assert len(packets(made[:-80])) == 1


def test_a_block_whose_count_is_wrong() -> None:
    """The last frame has none behind it, whatever the block's header claims; and no more are read than it claims."""
    made = bytearray(block(frame(last=False), frame()))
    for claimed, count in ((0xFFFFFFFF, 2), (1, 1)):
        struct.pack_into("=I", made, 12, claimed)
        assert len(packets(bytes(made))) == count
