# C types for walker.py.
import cython
from correlator.capture cimport parts, worker
from correlator.core.frames cimport Frames
from correlator.wire.reader cimport Reader
from correlator.wire.walk cimport Batch

cdef long long _PART
cdef long long _ALIGNED

@cython.final
cdef class Walker:
    cdef object _worker  # the first, so that it ends before what it looks at goes
    cdef readonly long long at
    cdef readonly bint is_cut
    cdef Reader _reader
    cdef long long _until
    cdef long long _next_at
    cdef long long _begin
    cdef long long _looked_at
    cdef object _kept
    cdef void *_part
    cdef const unsigned char *_block

    @cython.locals(batch=Batch)
    cpdef bint take(self, Frames frames) except? -1
    cpdef close(self)
    cdef bint _go_on(self) noexcept nogil
    @cython.locals(is_more=bint, at=cython.longlong, until=cython.longlong, size=Py_ssize_t)
    cdef bint fill(self, Batch batch) noexcept nogil

cdef bint _fill(Walker walker, Batch batch) noexcept nogil
