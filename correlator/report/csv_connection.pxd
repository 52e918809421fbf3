# C types for csv_connection.py.
import cython
from correlator.core cimport tcp
from correlator.core.connection cimport Connection
from correlator.report.buffer cimport Buffer
from correlator.report.community cimport CommunityHash
from correlator.report cimport decimals
from correlator.report.digits cimport put_address, put_base64

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
cdef Py_ssize_t _number(unsigned char* raw, Py_ssize_t at, long long number) noexcept
cdef Py_ssize_t _interval(unsigned char* raw, Py_ssize_t at, long long nanoseconds) noexcept
