# C types for packing.py.
import cython
from correlator.core cimport raw
from correlator.core.segment cimport Segment

cdef unsigned long long _LOW
cdef unsigned long long _HIGH_BIT
cdef unsigned long long _WORD
cdef unsigned long long _MOST
cdef unsigned long long _DECODED
cdef unsigned long long _ODD

@cython.final
cdef class Rows:
    cdef readonly object kept
    cdef unsigned long long *numbers
    cdef object _known
    cdef int *_interfaces
    cdef unsigned long long _count

    @cython.locals(numbers=cython.p_ulonglong, ports=cython.ulonglong)
    cpdef void pack(self, Segment segment, Py_ssize_t at) noexcept nogil
    @cython.locals(numbers=cython.p_ulonglong)
    cpdef void pack_frame(self, Segment segment, Py_ssize_t at, unsigned long long begin) noexcept nogil
    @cython.locals(numbers=cython.p_ulonglong, time=cython.ulonglong, interface=cython.ulonglong)
    cpdef int unpack(self, Segment segment, Py_ssize_t at) except -1
    @cython.locals(
        numbers=cython.p_ulonglong, time=cython.ulonglong, ports=cython.ulonglong, both=cython.ulonglong,
        rest=cython.ulonglong
    )
    cpdef void lay_out(self, Segment segment, Py_ssize_t at) noexcept nogil
