# C types for reader.py.
import cython
from correlator.core.frames cimport Frames
from correlator.core.segment cimport Segment

cdef Py_ssize_t _SEAM

cdef class Reader:
    cdef public object damage
    cdef public object kept
    cdef readonly list interfaces
    cdef public int sections
    cdef public long long until
    cdef long long skip
    cdef bytes _rest
    cdef long long _offset
    cdef Frames _seam
    cdef readonly Frames frames

    @cython.locals(begin=Py_ssize_t, rest=Py_ssize_t, end=Py_ssize_t, seam=Frames, frames=Frames)
    cpdef list feed(self, bytes data)
    cpdef go_to(self, long long begin, long long end)
    cpdef close(self)
    cdef Py_ssize_t _records(self, Frames frames, Py_ssize_t at, Py_ssize_t stop) except -1
    @cython.locals(segments=list, number=Py_ssize_t, room=Py_ssize_t, block=cython.p_const_uchar, end=Py_ssize_t,
                   segment=Segment, following=Py_ssize_t)
    cdef Py_ssize_t _walk(self, Frames frames, Py_ssize_t at, Py_ssize_t stop) except -1
    cdef Py_ssize_t next_record(self, Segment segment, const unsigned char *block, Py_ssize_t at, Py_ssize_t end) noexcept nogil
