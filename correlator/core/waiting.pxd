# C types for waiting.py.
import cython
from correlator.core cimport raw
from correlator.core.connection cimport Connection
from correlator.core.flow cimport Flow, Queue, leave, next_due
from correlator.core.table cimport Table

cdef int _FIN_BOTH
cdef long long _SUPERSEDED_LEFT
cdef long long _CLOSED_LEFT
cdef long long _LEFT

cdef class Waiting:
    cdef public object limits
    cdef public long long evicted
    cdef public bint reports_only
    cdef readonly bint has_news
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
    cdef object _kept
    cdef long long _heard
    cdef long long *_times
    cdef long long _before
    cdef public long long left
    cdef long long _stage
    cdef bint _counted
    cdef public list reports
    cdef long long _now
    cdef readonly long long newest
    cdef long long _due_at
    cdef list _last
    cdef long long _settle
    cdef long long _linger

    cpdef list take_reports(self)
    cpdef int pass_by(self, long long at) except -1
    cpdef int hear(self, times) except -1
    @cython.locals(now=cython.longlong, newest=cython.longlong, before=cython.longlong)
    cpdef int pass_to(self, long long moment) except -1
    cpdef int go_to(self, long long moment, long long newest) except -1
    cdef int _pass_time(self) except -1
    cdef bint _is_over(self, Flow flow) except? -1
    @cython.locals(left=cython.longlong, flow=Flow, queue=Queue)
    cpdef bint finish(self, long long most=*) except -1
    @cython.locals(flow=Flow)
    cpdef list lasting(self)
    @cython.locals(flow=Flow)
    cpdef list closing(self)
    cdef bint _is_timely(self) except? -1
    @cython.locals(flow=Flow, queue=Queue, waiting=Queue)
    cpdef int advance(self, long long now) except -1
    @cython.locals(stays=bint)
    cdef int _settled(self, Flow flow) except -1
    cdef int _enqueue(self, Flow flow, Queue queue) except -1
    @cython.locals(flow=Flow)
    cdef _evict(self)
    cdef int _forget(self, Flow flow) except -1
    cdef int _report(self, Flow flow) except -1
