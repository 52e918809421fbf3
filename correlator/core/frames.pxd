# C types for frames.py.
import cython

cdef int _AT
cdef int _LINK_TYPE
cdef int _INTERFACE
cdef int _BEGIN
cdef int _CAPTURED
cdef int _LENGTH
cdef int _WORDS

cdef class Packet:
    cdef readonly long long at
    cdef readonly int link_type
    cdef readonly int interface
    cdef readonly bytes data
    cdef readonly long long wire_length

cdef class Frames:
    cdef public bytes data
    cdef readonly Py_ssize_t count
    cdef Py_ssize_t _room
    cdef long long[::1] _index

    @cython.locals(place=Py_ssize_t, index=cython.longlong[::1])
    cpdef add(self, long long at, long long link_type, long long interface, long long begin, long long captured,
              long long length)
    @cython.locals(larger=cython.longlong[::1])
    cdef _grow(self)
    cpdef long long at(self, Py_ssize_t number) except? -1
    cpdef int link_type(self, Py_ssize_t number) except? -1
    cpdef int interface(self, Py_ssize_t number) except? -1
    cpdef Py_ssize_t begin(self, Py_ssize_t number) except? -1
    cpdef Py_ssize_t captured(self, Py_ssize_t number) except? -1
    cpdef long long length(self, Py_ssize_t number) except? -1
    cpdef Packet packet(self, Py_ssize_t number)
