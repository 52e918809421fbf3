# C types for pcapng.py.
import cython
from correlator.core cimport raw
from correlator.core.frames cimport Frames
from correlator.core.segment cimport Segment
from correlator.wire.reader cimport Reader

cdef long long _ENHANCED
cdef long long _SMALLEST
cdef long long _LARGEST
cdef long long _LATEST
cdef long long _EARLY
cdef Py_ssize_t _AHEAD
cdef long long _LONGEST
cdef Py_ssize_t _LINE
cdef Py_ssize_t _NUMBERS

cdef class _Interface:
    cdef readonly int number
    cdef readonly int link_type
    cdef readonly object snaplen
    cdef readonly object ticks
    cdef readonly object offset

cdef class PcapngReader(Reader):
    cdef public dict comments
    cdef bint _keep_comments
    cdef object _interfaces
    cdef list _section
    cdef object _known
    cdef long long *_numbers
    cdef long long _usable
    cdef str _order
    cdef bint _is_little
    cdef long long _count
    cdef long long _added
    cdef bint _in_section

    @cython.locals(end=Py_ssize_t, skipped=Py_ssize_t)
    cdef Py_ssize_t _records(self, Frames frames, Py_ssize_t at, Py_ssize_t stop) except -1
    @cython.locals(count=Py_ssize_t)
    cdef Py_ssize_t _packets(self, Frames frames, Py_ssize_t at, Py_ssize_t stop) except -1
    @cython.locals(is_net=bint, length=cython.longlong, number=cython.longlong, high=cython.longlong,
                   captured=cython.longlong, tick=cython.longlong, time=cython.longlong, ahead=Py_ssize_t)
    cdef Py_ssize_t next_record(self, Segment segment, const unsigned char *block, Py_ssize_t at, Py_ssize_t end) noexcept nogil
