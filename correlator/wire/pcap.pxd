# C types for pcap.py.
import cython
from correlator.core cimport raw
from correlator.core.frames cimport Frames
from correlator.core.segment cimport Segment
from correlator.wire.reader cimport Reader

cdef long long _SECOND
cdef long long _MAX_PACKET
cdef Py_ssize_t _AHEAD
cdef Py_ssize_t _LINE

cdef class PcapReader(Reader):
    cdef int _interface
    cdef bint _is_open
    cdef bint _is_net
    cdef long long _tick
    cdef int _head
    cdef int _link_type

    @cython.locals(block=cython.p_const_uchar, end=Py_ssize_t, captured=cython.longlong)
    cdef Py_ssize_t _records(self, Frames frames, Py_ssize_t at, Py_ssize_t stop) except -1
    @cython.locals(head=int, is_net=bint, start=Py_ssize_t, captured=cython.longlong, length=cython.longlong,
                   following=Py_ssize_t, ahead=Py_ssize_t)
    cdef Py_ssize_t next_record(self, Segment segment, const unsigned char *block, Py_ssize_t at, Py_ssize_t end) noexcept nogil
