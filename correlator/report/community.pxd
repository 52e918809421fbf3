# C types for community.py.
import cython
from correlator.core cimport raw
from correlator.core.connection cimport Connection

cdef unsigned int _WORD
cdef unsigned int _HALF
cdef int _SHORT
cdef int _LONG
cdef unsigned int _TCP
cdef unsigned int _END
cdef Py_ssize_t _LENGTH
cdef unsigned int _A
cdef unsigned int _B
cdef unsigned int _C
cdef unsigned int _D
cdef unsigned int _E
cdef unsigned int _K1
cdef unsigned int _K2
cdef unsigned int _K3
cdef unsigned int _K4

@cython.final
cdef class CommunityHash:
    cdef unsigned int _words[16]
    cdef bytearray _digest

    @cython.locals(near=int, far=int, words="unsigned int*", one=cython.ulonglong, other=cython.ulonglong,
                   ports=cython.uint, place=int, high=cython.ulonglong, other_high=cython.ulonglong)
    cpdef bytearray of(self, Connection connection)
    @cython.locals(words="unsigned int*", a=cython.uint, b=cython.uint, c=cython.uint, d=cython.uint, e=cython.uint,
                   step=int, place=int, mixed=cython.uint)
    cdef int _hash(self) except -1
    @cython.locals(digest=cython.p_uchar)
    cdef int _put(self, Py_ssize_t at, unsigned int word) except -1

cdef bint _is_lower(Connection connection, int one, int other) except -1
