# C types for merging.py.
import cython
from correlator.core cimport raw
from correlator.report.buffer cimport Buffer

cdef Py_ssize_t _KEY

@cython.final
cdef class _Lines:
    cdef bytes data
    cdef Py_ssize_t begin
    cdef Py_ssize_t end
    cdef unsigned long long high
    cdef unsigned long long low

    cdef int add(self, bytes data) except -1
    cdef int go_on(self) except -1
    @cython.locals(raw_="const unsigned char*", size=Py_ssize_t)
    cdef int _find(self, Py_ssize_t at) except -1

@cython.final
cdef class Merging:
    cdef readonly Py_ssize_t count
    cdef list _sources
    cdef Buffer _buffer

    @cython.locals(source=_Lines)
    cpdef add(self, Py_ssize_t process, bytes data)
    @cython.locals(source=_Lines, place=Py_ssize_t)
    cpdef bytes take(self, list is_open)
    @cython.locals(source=_Lines, found=Py_ssize_t, place=Py_ssize_t, high=cython.ulonglong, low=cython.ulonglong)
    cdef Py_ssize_t _first(self, list is_open) except -2
