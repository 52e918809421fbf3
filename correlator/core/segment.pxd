# C types for segment.py: the values of every packet. What tracking it needs lies together.
import cython

cdef unsigned int _SPREAD
cdef unsigned long long _WORD

cdef class Segment:
    cdef public long long at
    cdef public int interface
    cdef public bint is_ipv6
    cdef public unsigned long long source_high
    cdef public unsigned long long source_low
    cdef public int source_port
    cdef public unsigned long long destination_high
    cdef public unsigned long long destination_low
    cdef public int destination_port
    cdef public long long seq
    cdef public long long ack
    cdef public int flags
    cdef public long long length
    cdef public bint continuation
    cdef public bint is_decoded
    cdef public bint is_odd
    cdef public bint is_elsewhere
    cdef public long long moment
    cdef public unsigned long long hash
    # Of a segment that was decoded nobody looks at what follows, unless its frame is to be written.
    cdef public int captured_on
    cdef public int link_type
    cdef public Py_ssize_t begin
    cdef public Py_ssize_t captured
    cdef public Py_ssize_t wire_length

    @cython.locals(ends=cython.ulonglong)
    cpdef int share(self, int shares) except -1

cpdef bytes packed(unsigned long long high, unsigned long long low, bint is_ipv6)
