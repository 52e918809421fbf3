"""Why packets gave no segment."""

from collections import Counter

from correlator.core.frames import gathered
from correlator.wire.decode import Decoder
from correlator.wire.interfaces import Interfaces
from correlator.wire.skips import in_order
from tests.frames import ethernet, ipv4, packet


def test_counts_of_pieces_come_in_the_order_of_the_whole() -> None:
    """As a decoder tells them, however they were added up."""
    packets = [
        packet(b"x", 199),
        packet(ethernet(b"", 0x0806)),
        packet(b"x", 198),
        packet(ethernet(ipv4(b"", protocol=17))),
    ]
    whole, added = Decoder(Interfaces()), Counter[str]()
    whole.decode(gathered(packets))
    for one in packets:
        decoder = Decoder(Interfaces())
        decoder.decode(gathered([one]))
        added.update(decoder.skipped)
    assert list(added) != list(whole.skipped)
    assert list(in_order(added).items()) == list(whole.skipped.items())
    assert in_order({}) == {}
