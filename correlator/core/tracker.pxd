# C types for tracker.py.
import cython
from correlator.core.flow cimport Flow, FlowEnd, after, covers, interval, kind_of, reversed_ends
from correlator.core.handshake cimport closed, half_open, next_closing, next_state
from correlator.core.model cimport Connection
from correlator.core.segment cimport Segment

cdef long long _MASK
cdef long long _UNSEEN
cdef int _SYN
cdef int _FIN
cdef int _RST
cdef int _ACK
cdef int _NEW
cdef int _SYN_RECEIVED
cdef int _ESTABLISHED

cdef class Event:
    cdef readonly object change
    cdef readonly Flow flow

cdef class Step:
    cdef readonly Flow flow
    cdef readonly bint from_client
    cdef readonly bint notable

cdef class Tracker:
    cdef public object limits
    cdef public long long copies
    cdef public long long evicted
    cdef public long long seen
    cdef object _interfaces
    cdef public object _flows
    cdef public object _half_open
    cdef public dict _answers
    cdef public object _settling
    cdef public object _lingering
    cdef public list events
    cdef long long _now
    cdef long long _newest
    cdef long long _due_at
    cdef long long _first
    cdef long long _settle
    cdef long long _linger

    cpdef list take(self)
    cpdef Connection snapshot(self, Flow flow)
    @cython.locals(flow=Flow, former=Flow, near=FlowEnd, far=FlowEnd, from_client=bint,
                   first=bint, follows=bint, moved=bint, notable=bint)
    cpdef Step segment(self, Segment segment)
    cdef bint _is_another(self, Flow flow, Segment segment) except? -1
    @cython.locals(client=FlowEnd, server=FlowEnd, flow=Flow, ends=bytes, answers=bytes)
    cdef Flow _open(self, Segment segment)
    @cython.locals(flags=int, before=int, closing=int, from_client=bint, kind=int, is_the_ack=bint)
    cdef bint _step(self, Flow flow, Segment segment, FlowEnd near, FlowEnd far, bint follows) except? -1
    cdef _note_syn(self, Flow flow, Segment segment, FlowEnd near)
    cdef _announce(self, Flow flow, int before)
    @cython.locals(found=Flow, flow=Flow, due_at=cython.longlong, wait=cython.longlong)
    cdef Flow _next_due(self)
    cdef _enqueue(self, Flow flow, queue, long long wait)
    @cython.locals(flow=Flow)
    cdef _evict(self)
    cdef _forget(self, Flow flow)
    cdef _report(self, Flow flow)
