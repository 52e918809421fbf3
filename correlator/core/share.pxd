# C types for share.py.
import cython
from correlator.core.frames cimport Frames
from correlator.core.segment cimport Segment

@cython.final
cdef class Share:
    cdef int _share
    cdef int _shares

    @cython.locals(segments=list, share=int, shares=int, number=Py_ssize_t, segment=Segment)
    cpdef int sift(self, Frames frames) except -1
