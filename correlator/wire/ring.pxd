# C types for ring.py.
import cython
from correlator.core.frames cimport Frames
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

@cython.locals(found=Frames, tagged=bytearray, at=Py_ssize_t, room=Py_ssize_t, hardware=int)
cpdef Frames frames(bytes block, number)

@cython.locals(mac=Py_ssize_t, net=Py_ssize_t, end=Py_ssize_t, length=cython.longlong, status=cython.uint,
               time=cython.longlong, index=int, begin=Py_ssize_t)
cdef _add(Frames found, bytes block, Py_ssize_t at, int hardware, number, bytearray tagged)
