# C types for flow.py.
import cython
from correlator.core cimport tcp
from correlator.core.connection cimport Connection
from correlator.core.handshake cimport closed, next_closing, next_state, steady
from correlator.core.segment cimport Segment

cdef int _KIND_SYN
cdef int _KIND_SYN_ACK
cdef int _KIND_ACK
cdef int _KIND_FIN
cdef int _KIND_RST
cdef int _KIND_BARE
cdef int _SYN_RECEIVED
cdef int _ESTABLISHED
cdef int _SYN_SENT
cdef int _NEW
cdef int _OPEN

@cython.locals(taken=cython.longlong)
cpdef long long sequence_end(Segment segment) except? -1

@cython.final
cdef class Flow(Connection):
    cdef long long reached[2]
    cdef long long acked[2]
    cdef int seen_at[2]
    cdef unsigned char reset[2]
    cdef public unsigned char is_steady
    cdef public unsigned char reported
    cdef public unsigned char watched
    cdef public unsigned char gone
    cdef public long long last_at
    cdef public Queue queue
    cdef public Flow chained
    cdef public Flow earlier
    cdef public Flow later
    cdef public unsigned long long hash
    cdef long long base[2]
    cdef public long long syn_at
    cdef public long long syn_ack_at

    cpdef bint is_copy(self, Segment segment, int near) except? -1
    cpdef bint is_another(self, Segment segment, int near) except -1
    @cython.locals(is_answer=bint)
    cpdef note_syn(self, Segment segment, int near)
    @cython.locals(end=cython.longlong)
    cpdef int note(self, Segment segment, int near) except -1
    cdef bint go_on(self, Segment segment, int near) except? -1
    @cython.locals(flags=int, far=int, before=int, closing=int, from_client=bint, kind=int, is_the_ack=bint)
    cdef bint step(self, Segment segment, int near, bint follows) except? -1
    @cython.locals(flags=int, far=int, shown=cython.longlong, acceptable=bint)
    cpdef int kind(self, Segment segment, int near) except? -1

@cython.locals(flow=Flow, is_itself=bint)
cpdef Flow begun(long long number, Segment segment, long long at, str interface, bint counted)

@cython.final
cdef class Queue:
    cdef public long long wait
    cdef public Flow first
    cdef public Flow last
    cdef public Py_ssize_t count

    cpdef int append(self, Flow flow) except -1
    @cython.locals(earlier=Flow, later=Flow)
    cpdef int remove(self, Flow flow) except -1

cpdef int leave(Flow flow) except -1

cpdef bint covers(long long ack, long long isn) except? -1
cpdef long long interval(long long start, long long end) except? -1
@cython.locals(found=Flow, flow=Flow, queue=Queue, due_at=cython.longlong)
cpdef Flow next_due(list queues, long long now)
