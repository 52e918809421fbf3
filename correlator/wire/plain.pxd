# C types for plain.py.
import cython
from correlator.core cimport raw
from correlator.core.frames cimport Frames
from correlator.core.segment cimport Segment
from correlator.wire cimport layout

cdef int _ETHERNET
cdef int _FOUND
cdef int _SLOWLY
cdef int _NOT_TCP

@cython.locals(start=cython.p_const_uchar, size=Py_ssize_t, segments=list, number=Py_ssize_t, segment=Segment, result=int,
               odd=Py_ssize_t, without_tcp=Py_ssize_t)
cpdef int decode_plain(Frames frames) except -1
@cython.locals(begin=Py_ssize_t, limit=Py_ssize_t, end=Py_ssize_t, at=Py_ssize_t, kind=int, length=int, protocol=int,
               finish=Py_ssize_t, inner=Py_ssize_t, payload=Py_ssize_t)
cpdef int plain(Segment segment, const unsigned char* frame, Py_ssize_t size) noexcept nogil
@cython.locals(near=int, far=int)
cdef int _without_tcp(const unsigned char* frame, Py_ssize_t inner, int protocol) noexcept nogil
