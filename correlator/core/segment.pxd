# C types for segment.py: the values that are made for every packet.

cdef class Packet:
    cdef readonly long long at
    cdef readonly int link_type
    cdef readonly int interface
    cdef readonly bytes data
    cdef readonly long long wire_length

cdef class Segment:
    cdef readonly long long at
    cdef readonly int interface
    cdef readonly bytes ends
    cdef readonly long long seq
    cdef readonly long long ack
    cdef readonly int flags
    cdef readonly long long length
    cdef readonly bint continuation
