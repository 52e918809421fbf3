# C types for pcap.py.
import cython
from correlator.core.frames cimport Frames
from correlator.core.words cimport long_word, net_word
from correlator.wire.reader cimport Reader

cdef long long _SECOND
cdef long long _MAX_PACKET
cdef unsigned long long _WORD

cdef class PcapReader(Reader):
    cdef int _interface
    cdef bint _is_open
    cdef bint _is_net
    cdef long long _tick
    cdef int _head
    cdef int _link_type

    @cython.locals(upper=cython.ulonglong)
    cdef unsigned long long _words(self, bytes data, Py_ssize_t at) except? 1
    @cython.locals(data=bytes, end=Py_ssize_t, head=int, tick=cython.longlong, link_type=int, interface=int,
                   sizes=cython.ulonglong, times=cython.ulonglong, captured=cython.longlong, length=cython.longlong,
                   start=Py_ssize_t, time=cython.longlong)
    cdef Py_ssize_t _records(self, Frames frames, Py_ssize_t at, Py_ssize_t stop) except -1
