# C types for community.py.
import cython
from correlator.core.connection cimport Connection
from correlator.report cimport sha1

cdef unsigned int _WORD
cdef unsigned int _HALF
cdef int _SHORT
cdef int _LONG
cdef unsigned int _TCP
cdef unsigned int _END
cdef Py_ssize_t _LENGTH

@cython.final
cdef class CommunityHash:
    cdef unsigned int _words[16]
    cdef bytearray _digest

    @cython.locals(near=int, far=int, words="unsigned int*", one=cython.ulonglong, other=cython.ulonglong,
                   ports=cython.uint, place=int, high=cython.ulonglong, other_high=cython.ulonglong)
    cpdef bytearray of(self, Connection connection)

cdef bint _is_lower(Connection connection, int one, int other) except -1
