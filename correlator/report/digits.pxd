# C types for digits.py.
import cython
from correlator.report cimport decimals

cdef int _DOT
cdef int _COLON
cdef int _PAD
cdef bytes _HEXADECIMAL
cdef bytes _BASE64
cdef int _NO_GROUP

@cython.locals(out=cython.p_uchar, place=Py_ssize_t)
cpdef Py_ssize_t put_net_long_word(bytearray buffer, Py_ssize_t at, unsigned long long number) except -1
cpdef Py_ssize_t put_address(bytearray buffer, Py_ssize_t at, unsigned long long high, unsigned long long low,
                             bint is_ipv6) except -1
@cython.locals(out=cython.p_uchar, shift=int)
cdef Py_ssize_t _put_ipv4(bytearray buffer, Py_ssize_t at, unsigned long long word) except -1
@cython.locals(out=cython.p_uchar, best=int, best_length=int, run=int, group=int, number=int, shift=int,
               byte=cython.uchar)
cdef Py_ssize_t _put_ipv6(bytearray buffer, Py_ssize_t at, unsigned long long high, unsigned long long low) except -1
@cython.locals(out=cython.p_uchar, source=cython.p_uchar, length=Py_ssize_t, begin=Py_ssize_t, left=Py_ssize_t,
               three=int, letters="const unsigned char*")
cpdef Py_ssize_t put_base64(bytearray buffer, Py_ssize_t at, bytearray data) except -1
@cython.locals(word=cython.ulonglong)
cdef int _group(unsigned long long high, unsigned long long low, int group) noexcept
