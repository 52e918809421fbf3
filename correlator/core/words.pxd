# C types for words.py.
import cython

@cython.locals(raw=cython.p_uchar)
cpdef int half(bytes data, Py_ssize_t at) except? -1
@cython.locals(raw=cython.p_uchar, low=cython.uint, high=cython.uint)
cpdef unsigned int word(bytes data, Py_ssize_t at) except? 0xFFFFFFFF
@cython.locals(raw=cython.p_uchar, low=cython.ulonglong, next_low=cython.ulonglong, high=cython.ulonglong,
               highest=cython.ulonglong)
cpdef unsigned long long long_word(bytes data, Py_ssize_t at) except? 0xFFFFFFFF
@cython.locals(raw=cython.p_uchar)
cpdef int net_half(bytes data, Py_ssize_t at) except? -1
@cython.locals(raw=cython.p_uchar, low=cython.uint, high=cython.uint)
cpdef unsigned int net_word(bytes data, Py_ssize_t at) except? 0xFFFFFFFF
@cython.locals(raw=cython.p_uchar, low=cython.ulonglong, next_low=cython.ulonglong, high=cython.ulonglong,
               highest=cython.ulonglong)
cpdef unsigned long long net_long_word(bytes data, Py_ssize_t at) except? 0xFFFFFFFF
@cython.locals(raw=cython.p_uchar)
cpdef bytes piece(bytes data, Py_ssize_t at, Py_ssize_t length)
cdef inline int _check(bytes data, Py_ssize_t at, Py_ssize_t length) except -1
