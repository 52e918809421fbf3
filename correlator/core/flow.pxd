# C types for flow.py.
import cython
from correlator.core.handshake cimport closed
from correlator.core.model cimport Connection, End
from correlator.core.segment cimport Segment, packed

cdef long long _MASK
cdef long long _HALF
cdef long long _UNSEEN
cdef int _SYN
cdef int _FIN
cdef int _RST
cdef int _ACK
cdef int _KIND_SYN
cdef int _KIND_SYN_ACK
cdef int _KIND_ACK
cdef int _KIND_FIN
cdef int _KIND_RST
cdef int _KIND_BARE
cdef int _SYN_SENT
cdef int _NEW
cdef int _OPEN
cdef tuple _HANDSHAKES
cdef tuple _CLOSES
cdef tuple _MIRRORED

cpdef bint after(long long a, long long b) except? -1
@cython.locals(taken=cython.longlong)
cpdef long long sequence_end(Segment segment) except? -1
@cython.final
cdef class FlowEnd:
    cdef public unsigned long long high
    cdef public unsigned long long low
    cdef public int port
    cdef public long long isn
    cdef public long long base
    cdef public long long reached
    cdef public long long acked
    cdef public int interface
    cdef public bint reset
    cdef public long long packets
    cdef public long long payload

    cpdef bint is_end(self, unsigned long long high, unsigned long long low, int port) except? -1
    cpdef bint is_copy(self, Segment segment) except? -1
    @cython.locals(end=cython.longlong)
    cpdef note(self, Segment segment)

@cython.final
cdef class Flow:
    cdef public long long number
    cdef public bint is_ipv6
    cdef public FlowEnd client
    cdef public FlowEnd server
    cdef public long long opened_at
    cdef public long long last_at
    cdef public int state
    cdef public int closing
    cdef public bint oriented
    cdef public object closed_at
    cdef public long long syn_at
    cdef public long long syn_ack_at
    cdef public long long syn_rtt
    cdef public long long ack_rtt
    cdef public int syn_count
    cdef public int syn_ack_count
    cdef public int interface
    cdef public bint simultaneous
    cdef public object superseded_at
    cdef public bint reported
    cdef public bint watched
    cdef public bint gone
    cdef public unsigned long long hash
    cdef public Flow chained
    cdef public Queue queue
    cdef public Flow earlier
    cdef public Flow later

    cpdef bint is_from_client(self, Segment segment) except? -1
    cpdef turn_round(self)
    @cython.locals(server=End)
    cpdef Connection snapshot(self, str interface, bint counted)

@cython.final
cdef class Queue:
    cdef public long long wait
    cdef public Flow first
    cdef public Flow last
    cdef public Py_ssize_t count

    cpdef append(self, Flow flow)
    @cython.locals(earlier=Flow, later=Flow)
    cpdef remove(self, Flow flow)

cpdef leave(Flow flow)

cdef End _end(FlowEnd end, bint is_ipv6, bint counted)

cpdef bint covers(long long ack, long long isn) except? -1
cpdef long long interval(long long start, long long end) except? -1
@cython.locals(flags=int, far=FlowEnd, acceptable=bint)
cpdef int kind_of(Flow flow, Segment segment, bint from_client) except? -1
