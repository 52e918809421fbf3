# C types for decode.py.
import cython
from correlator.core.frames cimport Frames
from correlator.core.segment cimport Segment
from correlator.core.words cimport net_half, net_long_word, net_word
from correlator.wire.link cimport Network, network
from correlator.wire.plain cimport decode_plain

cdef int _TCP
cdef int _FOUND
cdef int _SLOWLY
cdef Py_ssize_t _UNKNOWN
cdef int _IPV4
cdef int _IPV6
cdef unsigned long long _WORD
cdef int _IPV4_HEADER
cdef int _IPV6_HEADER
cdef int _TCP_FLAGS_END
cdef int _AH
cdef int _IPV4_IN_IP
cdef int _IPV6_IN_IP
cdef int UDP

@cython.final
cdef class Decoder:
    cdef list _skips
    cdef object _unknown
    cdef object _interfaces
    cdef readonly object fragments
    cdef Network _found
    cdef Segment _segment
    cdef bytes _data
    cdef Py_ssize_t _limit
    cdef Py_ssize_t _end

    cpdef int decode(self, Frames frames) except -1
    @cython.locals(data=bytes, segments=list, number=Py_ssize_t, segment=Segment)
    cdef int _decode_others(self, Frames frames) except -1
    @cython.locals(result=int)
    cdef bint _carefully(self, Segment segment, bytes data) except? -1
    @cython.locals(found=Network, segment=Segment, result=int)
    cdef int _link(self, int link_type) except? -1
    @cython.locals(beyond=Py_ssize_t, result=int)
    cdef int _network(self, int ethertype, Py_ssize_t at) except? -1
    @cython.locals(result=int)
    cdef int _inner(self, inner, Py_ssize_t beyond) except? -1
    @cython.locals(data=bytes, limit=Py_ssize_t, segment=Segment, head=Py_ssize_t, total=Py_ssize_t, end=Py_ssize_t,
                   protocol=int, fragment=int, inner=Py_ssize_t, begins=cython.ulonglong, ends=cython.ulonglong)
    cdef int _ipv4(self, Py_ssize_t at, int depth) except? -1
    @cython.locals(data=bytes, segment=Segment, length=Py_ssize_t, end=Py_ssize_t)
    cdef int _ipv6(self, Py_ssize_t at, int depth) except? -1
    @cython.locals(data=bytes, segment=Segment, protocol=int, inner=Py_ssize_t, begin=Py_ssize_t, following=int,
                   units=int, field=int)
    cdef int _extensions(self, Py_ssize_t at, Py_ssize_t end, int depth) except? -1
    @cython.locals(data=bytes)
    cdef int _other(self, Py_ssize_t inner, Py_ssize_t end, int protocol, int fragment, int depth) except? -1
    @cython.locals(whole=Segment, result=int, header=Py_ssize_t)
    cdef int _fragment(self, Py_ssize_t at, Py_ssize_t end, key, part, Py_ssize_t begin) except? -1
    @cython.locals(data=bytes, segment=Segment, head=Py_ssize_t, begins=cython.ulonglong)
    cdef int _tcp(self, Py_ssize_t at, Py_ssize_t end) except? -1
