# C types for blocks.py.
import cython
from correlator.capture cimport aio

cdef class Blocks:
    cdef int _descriptor
    cdef Py_ssize_t _size
    cdef Py_ssize_t _ahead
    cdef long long _at
    cdef long long _until
    cdef object _asked

    cpdef bytes take(self)
    cpdef close(self)
    @cython.locals(offset=cython.longlong)
    cdef int _ask(self) except -1
