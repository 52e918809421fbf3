# C types for plain.py.
import cython
from correlator.core cimport raw
from correlator.core.segment cimport Segment

cdef int _IPV4
cdef int _IPV6
cdef int _VLAN
cdef int _TCP
cdef int _ETHERNET_HEADER
cdef int _TAG
cdef int _IPV4_HEADER
cdef int _IPV6_HEADER
cdef int _VERSION_AND_LENGTH
cdef int _FRAGMENT
cdef int _TCP_FLAGS_END

@cython.locals(begin=Py_ssize_t, limit=Py_ssize_t, end=Py_ssize_t, frame=cython.p_uchar, at=Py_ssize_t, kind=int, length=int, finish=Py_ssize_t, inner=Py_ssize_t,
               payload=Py_ssize_t)
cpdef bint plain(Segment segment, bytes data) except -1
