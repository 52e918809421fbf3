# C types for table.py.
import cython
from correlator.core cimport raw
from correlator.core.ends_hash cimport EndsHash
from correlator.core.flow cimport Flow
from correlator.core.segment cimport Segment

cdef Py_ssize_t _GROUP
cdef EndsHash _HASH

cdef int _place(Flow flow, Segment segment) except -2

@cython.final
cdef class Table:
    cdef public Py_ssize_t count
    cdef public int place
    cdef list _chains
    cdef unsigned long long _mask

    @cython.locals(flow=Flow)
    cpdef Flow find(self, Segment segment)
    cpdef int add(self, Flow flow, Segment segment) except -1
    cdef int expect_removal(self, Flow flow) except -1
    cpdef int expect(self, Segment segment) except -1
    @cython.locals(first=Py_ssize_t, number=Py_ssize_t, segment=Segment)
    cpdef int expect_group(self, list segments, Py_ssize_t begin, Py_ssize_t end) except -1
    @cython.locals(place=Py_ssize_t, other=Flow)
    cpdef int remove(self, Flow flow) except -1
    cdef int _chain(self, Flow flow) except -1
    @cython.locals(flow=Flow)
    cdef int _grow(self) except -1
    @cython.locals(flow=Flow)
    cdef list _all(self)
