# C types for pcap.py.
import cython
from correlator.core.frames cimport Frames
from correlator.core.words cimport net_word, word

cdef long long _SECOND
cdef long long _MAX_PACKET

cdef class PcapReader:
    cdef public object damage
    cdef bytes _buffer
    cdef long long _offset
    cdef int _interface
    cdef bint _is_open
    cdef bint _is_net
    cdef long long _tick
    cdef int _head
    cdef int _link_type

    cpdef Frames feed(self, bytes data)
    cdef long long _word(self, bytes data, Py_ssize_t at) except? -1
    @cython.locals(data=bytes, end=Py_ssize_t, head=int, tick=cython.longlong, link_type=int, interface=int,
                   captured=cython.longlong, length=cython.longlong, start=Py_ssize_t, time=cython.longlong)
    cdef Py_ssize_t _packets(self, Frames frames, Py_ssize_t at) except -1
