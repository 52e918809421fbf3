# C types for plain.py.
import cython
from correlator.core cimport raw
from correlator.core.frames cimport Frames
from correlator.core.segment cimport Segment
from correlator.wire cimport layout

cdef int _ETHERNET

@cython.locals(start=cython.p_const_uchar, size=Py_ssize_t, left=Py_ssize_t, segments=list, number=Py_ssize_t, segment=Segment)
cpdef Py_ssize_t decode_plain(Frames frames) except -1
@cython.locals(begin=Py_ssize_t, limit=Py_ssize_t, end=Py_ssize_t, at=Py_ssize_t, kind=int, length=int, finish=Py_ssize_t, inner=Py_ssize_t,
               payload=Py_ssize_t)
cpdef bint plain(Segment segment, const unsigned char* frame, Py_ssize_t size) noexcept nogil
