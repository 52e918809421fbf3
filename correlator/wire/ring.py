"""Blocks of a TPACKET_V3 ring to packets (packet(7), Documentation/networking/packet_mmap.rst, linux/if_packet.h)."""

from collections.abc import Callable

from correlator.core.frames import Frames
from correlator.core.words import half, word
from correlator.wire.link import LinkType

BLOCK_HEADER = 48  # struct tpacket_block_desc
STATUS = 8  # where its status lies
STATUS_USER, STATUS_KERNEL = 1, 0

_FRAME_HEADER = 48 + 20  # struct tpacket3_hdr, aligned, and struct sockaddr_ll
_VLAN_VALID, _VLAN_TPID_VALID = 1 << 4, 1 << 6
_OUTGOING = 4  # sll_pkttype
_ARPHRD_ETHER, _ARPHRD_LOOPBACK = 1, 772  # linux/if_arp.h
_ETHERNET, _RAW = int(LinkType.ETHERNET), int(LinkType.RAW)
_SECOND = 1_000_000_000


def used(header: bytes) -> int:
    """How many bytes of a block, its header's included, hold something."""
    return word(header, 20)


def frames(block: bytes, number: Callable[[int, int], int]) -> Frames:
    """The frames of a block.

    `number` tells the number of an interface by its index and link type. Ethernet frames keep their link header, with
    the VLAN tag that the kernel took off; of others, which every driver frames in its own way, the network packet is
    taken. Of what a loopback interface shows twice, going and coming, the latter is left out.
    """
    found = Frames(block)
    tagged = bytearray()
    at, room = word(block, 16), len(block)
    for _ in range(word(block, 12)):
        if at + _FRAME_HEADER > room:
            break
        hardware = half(block, at + 56)
        if not (block[at + 58] == _OUTGOING and hardware == _ARPHRD_LOOPBACK):
            _add(found, block, at, hardware, number, tagged)
        step = word(block, at)
        if not step:
            break  # the last one
        at += step
    if tagged:
        found.lie_in(block + bytes(tagged))
    return found


def _add(
    found: Frames, block: bytes, at: int, hardware: int, number: Callable[[int, int], int], tagged: bytearray
) -> None:
    mac, net = at + half(block, at + 24), at + half(block, at + 26)
    end, length, status = min(mac + word(block, at + 12), len(block)), word(block, at + 16), word(block, at + 20)
    time = word(block, at + 4) * _SECOND + word(block, at + 8)
    index = word(block, at + 52)
    if hardware not in (_ARPHRD_ETHER, _ARPHRD_LOOPBACK):
        found.add(time, _RAW, number(index, _RAW), net, max(0, end - net), length - (net - mac))
    elif status & _VLAN_VALID:
        kind = half(block, at + 36) if status & _VLAN_TPID_VALID else 0x8100
        tag = kind.to_bytes(2, "big") + half(block, at + 32).to_bytes(2, "big")
        begin = len(tagged)
        tagged += block[mac : mac + 12] + tag + block[mac + 12 : end]
        found.add(time, _ETHERNET, number(index, _ETHERNET), len(block) + begin, len(tagged) - begin, length + 4)
    else:
        found.add(time, _ETHERNET, number(index, _ETHERNET), mac, max(0, end - mac), length)
