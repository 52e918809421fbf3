# C types for buffer.py.
import cython
from correlator.core.words cimport net_long_word, net_word
from correlator.report cimport decimals
from correlator.report.digits cimport put_address, put_base64, put_net_long_word

cdef long long _SECOND
cdef int _DIGITS
cdef int _TIME
cdef int _ADDRESS
cdef int _IPV4_LENGTH
cdef int _SHORT
cdef int _SECONDS
cdef int _DOT
cdef int _COLON
cdef int _STAR
cdef int _SPACE
cdef int _OPEN
cdef int _SHUT
cdef int _ZULU

@cython.final
cdef class Buffer:
    cdef readonly bytearray bytes
    cdef public Py_ssize_t end
    cdef Py_ssize_t _room
    cdef long long[::1] _seconds
    cdef list _texts

    cpdef bytes take(self)
    @cython.locals(raw=cython.p_uchar)
    cpdef bytes piece(self, Py_ssize_t begin, Py_ssize_t end)
    @cython.locals(length=Py_ssize_t, raw=cython.p_uchar, at=Py_ssize_t, character=cython.Py_UCS4)
    cpdef put(self, str text)
    cpdef int put_bytes(self, bytes data) except -1
    cpdef int put_part(self, bytes data, Py_ssize_t begin, Py_ssize_t end) except -1
    cpdef int put_byte(self, int byte) except -1
    @cython.locals(raw=cython.p_uchar)
    cpdef int pad(self, Py_ssize_t until) except -1
    cpdef int put_number(self, unsigned long long number) except -1
    cpdef int put_key(self, unsigned long long first, unsigned long long second) except -1
    cpdef int put_microseconds(self, unsigned long long nanoseconds) except -1
    @cython.locals(raw=cython.p_uchar, end=Py_ssize_t)
    cpdef bint put_time(self, long long at) except? -1
    @cython.locals(second=cython.longlong, place=int)
    cpdef bint can_put_time(self, long long at) except? -1
    cpdef int put_base64(self, bytearray data) except -1
    cpdef int put_words(self, unsigned long long high, unsigned long long low, bint is_ipv6) except -1
    cpdef int put_endpoint(self, bytes address, int port) except -1
    cpdef int need(self, Py_ssize_t length) except -1
