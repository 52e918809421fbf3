# C types for tracker.py.
import cython
from correlator.core.changes cimport Event
from correlator.core cimport tcp
from correlator.core.flow cimport Flow, Queue, begun
from correlator.core.frames cimport Frames
from correlator.core.handshake cimport half_open
from correlator.core.segment cimport Segment
from correlator.core.table cimport Table
from correlator.core.waiting cimport Waiting

cdef int _FIN_BOTH
cdef Py_ssize_t _GROUP
cdef int _NEW
cdef int _SYN_RECEIVED

@cython.final
cdef class Tracker(Waiting):
    cdef public long long copies
    cdef public long long seen
    cdef public long long most
    cdef object _interfaces
    cdef public bint opened_only
    cdef public bint from_client
    cdef public bint notable
    cdef public list events
    cdef long long _first

    cpdef list take(self)
    cpdef Flow segment(self, Segment segment)
    @cython.locals(segments=list, count=Py_ssize_t, number=Py_ssize_t, group=Py_ssize_t, table=Table,
                   segment=Segment)
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
    cdef int _tell(self, change, Flow flow) except -1
    cdef int _announce(self, Flow flow, int before) except -1
    cdef _supersede(self, Flow flow, long long at)
