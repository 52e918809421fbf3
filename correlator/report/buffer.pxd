# C types for buffer.py.
import cython
from correlator.core.words cimport net_long_word, net_word

cdef long long _SECOND
cdef bytes _DIGITS
cdef int _IPV4_LENGTH
cdef int _SHORT
cdef int _SECONDS
cdef int _PAD
cdef bytes _BASE64
cdef int _ZERO
cdef int _DOT
cdef int _COLON
cdef int _STAR
cdef int _OPEN
cdef int _SHUT

@cython.final
cdef class Buffer:
    cdef bytearray _bytes
    cdef Py_ssize_t _room
    cdef Py_ssize_t _end
    cdef long long[::1] _seconds
    cdef list _texts

    cpdef bytes take(self)
    @cython.locals(raw=cython.p_uchar)
    cpdef bytes since(self, Py_ssize_t begin)
    @cython.locals(length=Py_ssize_t, raw=cython.p_uchar, at=Py_ssize_t, character=cython.Py_UCS4)
    cpdef put(self, str text)
    @cython.locals(length=Py_ssize_t, raw=cython.p_uchar, at=Py_ssize_t, byte=cython.uchar)
    cpdef put_bytes(self, bytes data)
    cpdef put_byte(self, int byte)
    @cython.locals(digits=int, rest=cython.ulonglong)
    cpdef put_number(self, unsigned long long number)
    @cython.locals(raw=cython.p_uchar, at=Py_ssize_t)
    cpdef put_padded(self, unsigned long long number, int digits)
    cpdef put_microseconds(self, unsigned long long nanoseconds)
    cpdef bint put_time(self, long long at) except? -1
    @cython.locals(second=cython.longlong, place=int)
    cpdef bint can_put_time(self, long long at) except? -1
    @cython.locals(length=Py_ssize_t, raw=cython.p_uchar, at=Py_ssize_t, begin=Py_ssize_t, left=Py_ssize_t, group=int)
    cpdef put_base64(self, bytes data)
    cpdef put_words(self, unsigned long long high, unsigned long long low, bint is_ipv6)
    cpdef put_endpoint(self, bytes address, int port)
    @cython.locals(shift=int)
    cdef _put_ipv4(self, unsigned long long word)
    @cython.locals(best=int, best_length=int, run=int, group=int)
    cdef _put_ipv6(self, unsigned long long high, unsigned long long low)
    @cython.locals(shift=int)
    cdef _put_hexadecimal(self, int number)
    cdef _need(self, Py_ssize_t length)

@cython.locals(word=cython.ulonglong)
cdef int _group(unsigned long long high, unsigned long long low, int group) except -1
