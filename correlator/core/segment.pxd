# C types for segment.py: the values of every packet.

cdef class Segment:
    cdef public long long at
    cdef public int interface
    cdef public bint is_ipv6
    cdef public unsigned long long source_high
    cdef public unsigned long long source_low
    cdef public int source_port
    cdef public unsigned long long destination_high
    cdef public unsigned long long destination_low
    cdef public int destination_port
    cdef public long long seq
    cdef public long long ack
    cdef public int flags
    cdef public long long length
    cdef public bint continuation

cpdef bytes packed(unsigned long long high, unsigned long long low, bint is_ipv6)
