# C types for edges.py.
import cython
from correlator.core cimport raw
from correlator.core.ends_hash cimport EndsHash
from correlator.core.engine cimport Engine
from correlator.core.flow cimport Flow
from correlator.core.frames cimport Frames
from correlator.core.packing cimport Rows
from correlator.core.segment cimport Segment

cdef Py_ssize_t _ROW_WORDS
cdef Py_ssize_t _WORDS
cdef Py_ssize_t _ROWS
cdef unsigned long long _MOST

@cython.final
cdef class Early:
    cdef readonly set hashes
    cdef EndsHash _hash
    cdef long long _left

    @cython.locals(number=Py_ssize_t, segment=Segment)
    cpdef take_in(self, Frames frames)

@cython.final
cdef class Edges:
    cdef EndsHash _hash
    cdef bytes _kept
    cdef const unsigned char *_bits
    cdef unsigned long long _mask
    cdef long long _moment
    cdef long long _newest
    cdef Rows _rows
    cdef object _bytes
    cdef Py_ssize_t _count
    cdef object _write

    cpdef flush(self)
    @cython.locals(segments=list, count=Py_ssize_t, number=Py_ssize_t, segment=Segment)
    cpdef int sift(self, Frames frames) except -1
    @cython.locals(one=cython.ulonglong, other=cython.ulonglong)
    cdef bint _has(self, unsigned long long number) except -1
    @cython.locals(at=Py_ssize_t)
    cdef int _put(self, Segment segment) except -1

@cython.locals(ends=EndsHash, flow=Flow)
cpdef hashes(unsigned long long seed, list flows)
@cython.locals(
    packed=Rows, segment=Segment, at=Py_ssize_t, moment=cython.ulonglong, newest=cython.ulonglong
)
cpdef replay(Engine engine, bytes rows, list interfaces, long long before, int share, int shares)
