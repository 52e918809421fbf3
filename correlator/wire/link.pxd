# C types for link.py.
import cython
from correlator.core.words cimport net_half

cdef int _FOUND
cdef int _IPV4
cdef int _IPV6
cdef int _VLAN
cdef int _VLAN_SERVICE
cdef int _VLAN_OLD
cdef int _FABRICPATH
cdef int _MAX_802_3_LENGTH
cdef int _ETHERNET
cdef int _SLL
cdef int _SLL2
cdef int _IPOIB
cdef int _C_HDLC

cdef class Network:
    cdef public int ethertype
    cdef public Py_ssize_t offset
    cdef public unsigned int ifindex
    cdef public int direction

@cython.locals(result=int)
cpdef int network(Network found, int link_type, bytes data, Py_ssize_t begin, Py_ssize_t end) except? -1

@cython.locals(snap_seen=bint, ethertype=int)
cdef int _tagged(Network found, bytes data, Py_ssize_t field, Py_ssize_t end) except? -1
@cython.locals(ethertype=int, result=int)
cdef int _sll2(Network found, bytes data, Py_ssize_t begin, Py_ssize_t end) except? -1
@cython.locals(version=int)
cdef int _raw(Network found, bytes data, Py_ssize_t begin, Py_ssize_t end) except? -1
cdef int _null(Network found, bytes data, Py_ssize_t begin, Py_ssize_t end) except? -1
cdef int _ipoib(Network found, bytes data, Py_ssize_t begin, Py_ssize_t end) except? -1
