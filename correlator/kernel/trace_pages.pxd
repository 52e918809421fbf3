# C types for trace_pages.py.
import cython
from correlator.core.words cimport half, long_word, piece, word

cdef int _HEADER
cdef long long _LENGTH_MASK
cdef int _PADDING
cdef int _TIME_EXTEND
cdef int _TIME_STAMP
cdef int _DELTA_BITS
cdef int _STAMP_BITS
cdef int _IRQ
cdef int _AF_INET
cdef int _IPV4_LENGTH

cdef class Event:
    cdef public long long at
    cdef public int kind
    cdef public unsigned long long socket
    cdef public long long thread
    cdef public int old
    cdef public int new
    cdef public int family
    cdef public bytes local
    cdef public int local_port
    cdef public bytes remote
    cdef public int remote_port
    cdef public unsigned long long cookie

cdef class Layout:
    cdef readonly int number
    cdef readonly int kind
    cdef readonly int size
    cdef readonly int socket
    cdef readonly int source_port
    cdef readonly int destination_port
    cdef readonly int family
    cdef readonly int source
    cdef readonly int destination
    cdef readonly int source_v6
    cdef readonly int destination_v6
    cdef readonly int old
    cdef readonly int new
    cdef readonly int cookie

@cython.final
cdef class Pages:
    cdef public unsigned long long now
    cdef public Layout shape
    cdef dict _layouts
    cdef object _waiting
    cdef bytes _page
    cdef Py_ssize_t _at
    cdef Py_ssize_t _end
    cdef Py_ssize_t _record

    cpdef advance(self)
    cdef bint _turn(self) except -1
    @cython.locals(page=bytes, end=Py_ssize_t, at=Py_ssize_t, head=cython.uint, kind=int, delta=cython.longlong,
                   extra=cython.longlong, record=Py_ssize_t, size=Py_ssize_t)
    cdef _step(self)
    @cython.locals(shape=Layout)
    cdef Layout _wanted(self, int number, Py_ssize_t size)
    @cython.locals(page=bytes, at=Py_ssize_t, shape=Layout)
    cpdef fill(self, Event event, long long offset)

@cython.final
cdef class Trace:
    cdef public list cpus
    cdef Event _event
    cdef unsigned long long _until
    cdef long long _offset

    @cython.locals(first=Pages, pages=Pages)
    cdef bint _go_on(self) except -1
