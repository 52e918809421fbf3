# C types for share.py.
import cython
from correlator.core cimport raw
from correlator.core.frames cimport Frames
from correlator.core.packing cimport Rows
from correlator.core.segment cimport Segment
from correlator.core.tracker cimport Tracker

cdef Py_ssize_t _WORDS
cdef Py_ssize_t _AT_ONCE

@cython.final
cdef class Sorting:
    cdef object _slot
    cdef Rows _rows
    cdef long long *_times
    cdef unsigned char *_shares
    cdef Py_ssize_t _room
    cdef int _count
    cdef readonly Py_ssize_t segments

    @cython.locals(segments=list, end=Py_ssize_t, number=Py_ssize_t, segment=Segment)
    cpdef int take_in(self, Frames frames) except -1

@cython.final
cdef class Arrivals:
    cdef Tracker _tracker
    cdef long long _before
    cdef object _slot
    cdef Rows _rows
    cdef unsigned char *_shares
    cdef Py_ssize_t _total
    cdef Py_ssize_t _at
    cdef int _share
    cdef object _kept_places
    cdef long long *_places
    cdef readonly Frames frames

    @cython.locals(frames=Frames, segment=Segment, places=cython.p_longlong, count=Py_ssize_t, number=Py_ssize_t)
    cpdef bint come(self) except -1
    cpdef int end(self) except -1
    @cython.locals(
        places=cython.p_longlong, shares=cython.p_uchar, rows=cython.p_ulonglong, share=int, count=Py_ssize_t,
        at=Py_ssize_t, total=Py_ssize_t
    )
    cdef Py_ssize_t _next(self) except -1
