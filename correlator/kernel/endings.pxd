# C types for endings.py.
import cython
from correlator.kernel.trace_pages cimport Event

cdef class Ending:
    cdef readonly long long at
    cdef readonly unsigned long long cookie
    cdef readonly int family
    cdef readonly bytes local
    cdef readonly int local_port
    cdef readonly bytes remote
    cdef readonly int remote_port
    cdef readonly long long thread
    cdef readonly long long born
    cdef readonly int was

cdef class Listening:
    cdef readonly long long at
    cdef readonly int family
    cdef readonly bytes address
    cdef readonly int port
    cdef readonly long long thread

cdef class _Use:
    cdef public long long thread
    cdef public int family
    cdef public bytes local
    cdef public int local_port
    cdef public bytes remote
    cdef public int remote_port
    cdef public long long born

cdef class Endings:
    cdef dict _uses
    cdef Py_ssize_t _most

    @cython.locals(event=Event, found=Ending, ended=list, resets=dict)
    cpdef tuple fold(self, events)
    @cython.locals(use=_Use)
    cdef _accept(self, Event event)
    @cython.locals(use=_Use)
    cdef _change(self, Event event)
    @cython.locals(use=_Use)
    cdef Ending _reset(self, Event event)
    @cython.locals(use=_Use)
    cdef Ending _end(self, Event event)
    cdef _note(self, Event event, long long thread, long long born=*)

cdef bint _agree(_Use use, Event event)
