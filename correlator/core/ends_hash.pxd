# C types for ends_hash.py.
import cython
from correlator.core.segment cimport Segment

cdef unsigned long long _WORD

@cython.final
cdef class EndsHash:
    cdef unsigned long long _by_high
    cdef unsigned long long _by_low
    cdef unsigned long long _by_port
    cdef unsigned long long _by_all

    @cython.locals(linear=cython.ulonglong)
    cdef unsigned long long _of_end(self, unsigned long long high, unsigned long long low, unsigned long long port) noexcept
    @cython.locals(both=cython.ulonglong)
    cpdef unsigned long long of_ends(
        self, unsigned long long high, unsigned long long low, unsigned long long port,
        unsigned long long far_high, unsigned long long far_low, unsigned long long far_port
    ) except? 1
    @cython.locals(source=cython.ulonglong, destination=cython.ulonglong, both=cython.ulonglong)
    cpdef unsigned long long of(self, Segment segment) except? 1
