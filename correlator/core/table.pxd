# C types for table.py.
import cython
from correlator.core.flow cimport Flow
from correlator.core.segment cimport Segment

cdef unsigned long long _WORD
cdef unsigned long long _BY_HIGH
cdef unsigned long long _BY_LOW
cdef unsigned long long _BY_PORT
cdef unsigned long long _BY_ALL

@cython.locals(linear=cython.ulonglong)
cdef unsigned long long _hash_of_end(unsigned long long high, unsigned long long low, unsigned long long port) except? 1
@cython.locals(source=cython.ulonglong, destination=cython.ulonglong, both=cython.ulonglong)
cdef unsigned long long _hash(Segment segment) except? 1
cdef int _place(Flow flow, Segment segment) except -2

@cython.final
cdef class Table:
    cdef public Py_ssize_t count
    cdef public int place
    cdef unsigned long long _hash
    cdef list _chains
    cdef unsigned long long _mask

    @cython.locals(flow=Flow)
    cpdef Flow find(self, Segment segment)
    cpdef int add(self, Flow flow) except -1
    @cython.locals(place=Py_ssize_t, other=Flow)
    cpdef int remove(self, Flow flow) except -1
    cdef int _chain(self, Flow flow) except -1
    @cython.locals(flow=Flow)
    cdef int _grow(self) except -1
    @cython.locals(flow=Flow)
    cdef list _all(self)
