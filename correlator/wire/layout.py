"""Where things stand in the headers of plain frames, and what stands there (IEEE 802.1Q, RFC 791, 8200, 9293).

Compiled, they are numbers in the code (`layout.pxd`); so this module is imported as a whole, and never compiled.
"""

IPV4, IPV6, VLAN = 0x0800, 0x86DD, 0x8100
"""Ethertypes."""
TCP, UDP = 6, 17
VXLAN, VXLAN_OF_LINUX, GENEVE, GTP_U = 4789, 8472, 6081, 2152
"""UDP ports of tunnels: IANA's, and Linux' own default for VXLAN."""
ETHERNET_HEADER, TAG = 14, 4
IPV4_HEADER, IPV6_HEADER = 20, 40
VERSION_AND_LENGTH = 0x45
"""The first byte of an IPv4 header without options."""
FRAGMENT = 0x3F
"""Of the byte that begins with IPv4's flags: more fragments, and the upper half of the offset."""
TCP_FLAGS_END = 16
"""A TCP header that was captured up to its window says all that is needed."""
SHORTEST = ETHERNET_HEADER + TAG + IPV4_HEADER + TCP_FLAGS_END
"""Of a frame of so many bytes all can be read that IPv4 needs."""
