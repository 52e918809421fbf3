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

@cython.final
cdef class Frames:
    cdef public bytes data
    cdef readonly Py_ssize_t count
    cdef readonly long long at
    cdef readonly int interface
    cdef readonly int link_type
    cdef readonly Py_ssize_t begin
    cdef readonly Py_ssize_t captured
    cdef readonly long long length
    cdef Py_ssize_t _room
    cdef long long[::1] _index

    @cython.locals(place=Py_ssize_t)
    cpdef add(self, long long at, long long link_type, long long interface, long long begin, long long captured,
              long long length)
    @cython.locals(larger=cython.longlong[::1])
    cdef _grow(self)
    @cython.locals(place=Py_ssize_t)
    cpdef look(self, Py_ssize_t number)
    @cython.locals(found=Frames, number=Py_ssize_t)
    cpdef Frames part(self, Py_ssize_t begin, Py_ssize_t end)
    cpdef Packet packet(self, Py_ssize_t number)
