# C types for tracker.py.
import cython
from correlator.core.changes cimport Event
from correlator.core cimport tcp
from correlator.core.connection cimport Connection
from correlator.core.flow cimport Flow, Queue, begun, leave, next_due
from correlator.core.frames cimport Frames
from correlator.core.handshake cimport half_open
from correlator.core.segment cimport Segment
from correlator.core.table cimport Table

cdef int _FIN_BOTH
cdef Py_ssize_t _GROUP
cdef long long _SUPERSEDED_LEFT
cdef long long _CLOSED_LEFT
cdef long long _LEFT
cdef int _NEW
cdef int _SYN_RECEIVED

@cython.final
cdef class Tracker:
    cdef public object limits
    cdef public long long copies
    cdef public long long evicted
    cdef public long long seen
    cdef object _interfaces
    cdef public bint reports_only
    cdef public bint opened_only
    cdef readonly bint has_news
    cdef public bint from_client
    cdef public bint notable
    cdef public Table _table
    cdef public Queue _half_open
    cdef public Queue _settling
    cdef public Queue _lingering
    cdef public Queue _superseded
    cdef public Queue _open
    cdef list _reporting
    cdef long long _most
    cdef long long _segments
    cdef public long long moment
    cdef long long _due_moment
    cdef long long _stage
    cdef bint _counted
    cdef public list events
    cdef public list reports
    cdef long long _now
    cdef long long _newest
    cdef long long _due_at
    cdef long long _first
    cdef list _last
    cdef long long _settle
    cdef long long _linger

    cpdef list take(self)
    cpdef list take_reports(self)
    cpdef int pass_by(self, long long at) except -1
    cdef int _pass_time(self) except -1
    @cython.locals(left=cython.longlong, flow=Flow, queue=Queue)
    cpdef bint finish(self, long long most=*) except -1
    cpdef Flow segment(self, Segment segment)
    @cython.locals(segments=list, count=Py_ssize_t, number=Py_ssize_t, table=Table, segment=Segment)
    cpdef Py_ssize_t take_in(self, Frames frames, Py_ssize_t begin) except -1
    @cython.locals(flow=Flow, near=int)
    cdef Flow _track(self, Segment segment)
    @cython.locals(flow=Flow, place=int, interface=str)
    cdef Flow _open_with(self, Segment segment)
    @cython.locals(queue=Queue)
    cdef int _go_on(self, Flow flow, Segment segment, int near) except -1
    cdef int _take_in(self, Flow flow, Segment segment, int near) except -1
    cdef int _continue(self, Flow flow, Segment segment, int near) except -1
    @cython.locals(first=bint, follows=bint, marked=bint, before=int)
    cdef int _note(self, Flow flow, Segment segment, int near) except -1
    cdef int _moved(self, Flow flow, int before) except -1
    cdef bint _is_timely(self) except? -1
    cdef int _tell(self, change, Flow flow) except -1
    cdef int _announce(self, Flow flow, int before) except -1
    @cython.locals(flow=Flow, queue=Queue, waiting=Queue)
    cpdef int advance(self, long long now) except -1
    @cython.locals(stays=bint)
    cdef int _settled(self, Flow flow) except -1
    cdef int _enqueue(self, Flow flow, Queue queue) except -1
    cdef _supersede(self, Flow flow, long long at)
    @cython.locals(flow=Flow)
    cdef _evict(self)
    cdef int _forget(self, Flow flow) except -1
    cdef int _report(self, Flow flow) except -1
