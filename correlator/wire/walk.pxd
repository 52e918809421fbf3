# C types for walk.py.
import cython
from correlator.core cimport raw
from correlator.core.frames cimport Frames
from correlator.core.packing cimport Rows
from correlator.core.segment cimport Segment
from correlator.wire.plain cimport plain
from correlator.wire.reader cimport Reader

cdef Py_ssize_t _FRAMES
cdef Py_ssize_t _BYTES
cdef Py_ssize_t _WORDS
cdef Py_ssize_t _LARGEST
cdef int _FOUND
cdef int _SLOWLY
cdef Py_ssize_t _AHEAD

@cython.final
cdef class Batch:
    cdef Rows _rows
    cdef object _kept
    cdef unsigned char *_bytes
    cdef Segment _segment
    cdef Py_ssize_t _used
    cdef readonly Py_ssize_t count
    cdef readonly Py_ssize_t odd
    cdef readonly Py_ssize_t without_tcp
    cdef readonly Py_ssize_t at
    cdef public long long next_at
    cdef public bint is_cut

    cpdef void begin(self) noexcept nogil
    cpdef bint has_room(self) noexcept nogil
    @cython.locals(number=Py_ssize_t, following=Py_ssize_t, result=int)
    cpdef void take(self, Reader reader, const unsigned char *block, Py_ssize_t at, Py_ssize_t stop, Py_ssize_t end) noexcept nogil
    @cython.locals(segment=Segment, number=Py_ssize_t, segments=list, count=Py_ssize_t)
    cpdef int lay_out(self, Frames frames) except -1
