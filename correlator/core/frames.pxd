# C types for frames.py.
import cython
from correlator.core cimport raw
from correlator.core.segment cimport Segment

cdef Py_ssize_t _UNKNOWN

cdef class Packet:
    cdef readonly long long at
    cdef readonly int link_type
    cdef readonly int interface
    cdef readonly bytes data
    cdef readonly long long wire_length

@cython.final
cdef class Frames:
    cdef readonly bytes data
    cdef const unsigned char* start
    cdef readonly Py_ssize_t size
    cdef public Py_ssize_t count
    cdef readonly list segments
    cdef public Py_ssize_t odd
    cdef public Py_ssize_t without_tcp

    cpdef int hold(self, bytes data) except -1
    cpdef int lie_in(self, bytes data) except -1
    cpdef Py_ssize_t grow(self) except -1
    @cython.locals(segment=Segment)
    cpdef int add(self, long long at, int link_type, int interface, Py_ssize_t begin, Py_ssize_t captured,
              Py_ssize_t length) except -1
    @cython.locals(number=Py_ssize_t, earliest=cython.longlong, latest=cython.longlong, one=Segment)
    cpdef tuple times(self)
    @cython.locals(found=Frames, one=Segment, number=Py_ssize_t)
    cpdef Frames part(self, Py_ssize_t begin, Py_ssize_t end)
    @cython.locals(one=Segment)
    cpdef bytes bytes_of(self, Py_ssize_t number)
    @cython.locals(one=Segment)
    cpdef Packet packet(self, Py_ssize_t number)
