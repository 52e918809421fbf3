# C types for four_tuple.py.
import cython

cdef bytearray _KEY
cdef Py_ssize_t _MOST
@cython.locals(raw=cython.p_uchar, at=Py_ssize_t, byte=cython.uchar)
cpdef bytes key_of(bytes local, int local_port, bytes remote, int remote_port)
@cython.locals(raw=cython.p_uchar, at=Py_ssize_t)
cpdef bytes key_of_words(bint is_ipv6, unsigned long long local_high, unsigned long long local_low, int local_port,
                         unsigned long long remote_high, unsigned long long remote_low, int remote_port)
@cython.locals(place=Py_ssize_t)
cdef void _put(unsigned char* raw, Py_ssize_t at, Py_ssize_t length, unsigned long long word) noexcept
