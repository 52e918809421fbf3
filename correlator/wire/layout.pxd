# layout.py in C.
cdef enum:
    IPV4 = 0x0800
    IPV6 = 0x86DD
    VLAN = 0x8100
    TCP = 6
    UDP = 17
    VXLAN = 4789
    VXLAN_OF_LINUX = 8472
    GENEVE = 6081
    GTP_U = 2152
    ETHERNET_HEADER = 14
    TAG = 4
    IPV4_HEADER = 20
    IPV6_HEADER = 40
    VERSION_AND_LENGTH = 0x45
    FRAGMENT = 0x3F
    TCP_FLAGS_END = 16
    SHORTEST = 54
