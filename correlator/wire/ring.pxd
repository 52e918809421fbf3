# C types for ring.py.
import cython
from correlator.core.segment cimport Packet
from correlator.core.words cimport half, word

cdef int _FRAME_HEADER
cdef int _VLAN_VALID
cdef int _VLAN_TPID_VALID
cdef int _OUTGOING
cdef int _ARPHRD_ETHER
cdef int _ARPHRD_LOOPBACK
cdef int _ETHERNET
cdef int _RAW
cdef long long _SECOND

@cython.locals(found=list, at=Py_ssize_t, hardware=int)
cpdef list packets(bytes block, number)

@cython.locals(mac=Py_ssize_t, net=Py_ssize_t, end=Py_ssize_t, length=cython.longlong, status=cython.uint,
               time=cython.longlong, index=int, data=bytes)
cdef Packet _packet(bytes block, Py_ssize_t at, int hardware, number)
