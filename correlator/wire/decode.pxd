# C types for decode.py.
import cython
from correlator.core.segment cimport Packet, Segment
from correlator.core.words cimport net_word
from correlator.wire.link cimport network

cdef int _ETHERNET
cdef int _IPV4
cdef int _IPV6
cdef int _ETHERNET_HEADER
cdef int _IPV4_HEADER
cdef int _IPV6_HEADER
cdef int _TCP_FLAGS_END
cdef int _AH

cdef class _Frame:
    cdef readonly long long at
    cdef readonly int interface
    cdef readonly bytes data
    cdef readonly Py_ssize_t end
    cdef readonly int depth

cdef class Decoder:
    cdef public object skipped
    cdef object _interfaces
    cdef object _fragments

    @cython.locals(data=bytes)
    cpdef Segment decode(self, Packet packet)
    @cython.locals(interface=int)
    cdef _link(self, Packet packet)
    @cython.locals(frame=_Frame)
    cdef _network(self, Packet packet, int ethertype, Py_ssize_t offset, int interface)
    @cython.locals(frame=_Frame, number=int)
    cdef _inner(self, Packet packet, inner, interface=*)
    @cython.locals(data=bytes, head=Py_ssize_t, total=Py_ssize_t, end=Py_ssize_t, protocol=int, fragment=int,
                   inner=Py_ssize_t)
    cdef _ipv4(self, _Frame frame, Py_ssize_t at)
    @cython.locals(data=bytes, length=Py_ssize_t, end=Py_ssize_t, protocol=int, inner=Py_ssize_t, addresses=bytes,
                   following=int, units=int, begin=Py_ssize_t)
    cdef _ipv6(self, _Frame frame, Py_ssize_t at)
    @cython.locals(data=bytes, nested=_Frame)
    cdef _other(self, _Frame frame, Py_ssize_t inner, Py_ssize_t end, int protocol, int fragment)
    cdef _fragment(self, _Frame frame, Py_ssize_t at, Py_ssize_t end, key, part, Py_ssize_t begin)

@cython.locals(data=bytes, head=Py_ssize_t)
cdef object _tcp(_Frame frame, Py_ssize_t at, Py_ssize_t end, bytes ends)
