# C types for csv_connection.py.
import cython
from correlator.core cimport tcp
from correlator.core.connection cimport Connection
from correlator.report.buffer cimport Buffer
from correlator.report.community cimport CommunityHash
from correlator.report.digits cimport put_address, put_base64, put_microseconds, put_number, put_raw

cdef Py_ssize_t _MOST
cdef int _COMMA
cdef tuple _FAMILIES
cdef tuple _HANDSHAKES
cdef tuple _CLOSES
cdef bytes _NOT_COUNTED
cdef bytes _VERSION
cdef CommunityHash _HASH

@cython.locals(near=int, far=int, is_ipv6=bint, out=bytearray, raw=cython.p_uchar, at=Py_ssize_t)
cpdef int put_csv(Buffer buffer, Connection connection) except -1
@cython.locals(raw=cython.p_uchar)
cdef Py_ssize_t _number(bytearray out, Py_ssize_t at, long long number) except -1
@cython.locals(raw=cython.p_uchar)
cdef Py_ssize_t _interval(bytearray out, Py_ssize_t at, long long nanoseconds) except -1
