# C types for connection.py.
import cython
from correlator.core cimport tcp
from correlator.core.four_tuple cimport key_of_words
from correlator.core.segment cimport packed

cdef tuple _HANDSHAKES
cdef tuple _CLOSES
cdef bytes _MIRRORED

cdef class End:
    cdef readonly bytes address
    cdef readonly int port
    cdef readonly object isn
    cdef readonly object packets
    cdef readonly object payload

# What a segment needs comes last here, and first in Flow: it lies together (`prefetch_object` in raw.pxd).
cdef class Connection:
    cdef long long isn[2]
    cdef public int syn_count
    cdef public int syn_ack_count
    cdef public long long number
    cdef public long long opened_at
    cdef public long long closed_at
    cdef public long long superseded_at
    cdef public long long syn_rtt
    cdef public long long ack_rtt
    cdef public unsigned long long reported_in
    cdef public str interface
    cdef unsigned long long high[2]
    cdef unsigned long long low[2]
    cdef int port[2]
    cdef public signed char client_place
    cdef public signed char server_place
    cdef public signed char state
    cdef public signed char closing
    cdef public unsigned char is_ipv6
    cdef public unsigned char counted
    cdef public unsigned char oriented
    cdef public unsigned char simultaneous
    cdef long long packets[2]
    cdef long long payload[2]
    cdef public long long touched

    cpdef int server_port(self) except? -1
    cpdef int client_port(self) except? -1
    cpdef long long client_isn(self) except? -2
    cpdef long long server_isn(self) except? -2
    cpdef bytes address(self, int place)
    @cython.locals(near=int, far=int)
    cpdef tuple ends(self, side)
    @cython.locals(near=int, far=int)
    cpdef bytes key(self, side)
    @cython.locals(made=Connection)
    cpdef Connection copy(self)
    cpdef turn_round(self)
    @cython.locals(made=Connection, mine=int, its=int)
    cpdef Connection between_ends_of(self, Connection leg)
    cdef End _end(self, int place, long long isn)
