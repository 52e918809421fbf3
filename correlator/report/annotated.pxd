# C types for annotated.py.
import cython
from correlator.core.frames cimport Packet
from correlator.core.finding cimport Finding
from correlator.core.model cimport Owner

cdef class _Note:
    cdef readonly object side
    cdef readonly Owner owner
    cdef readonly bytes comment

cdef class _Held:
    cdef readonly Packet packet
    cdef readonly long long number
    cdef readonly bint from_client
    cdef readonly long long until

cdef class PcapngSink:
    cdef public object writer
    cdef public long long queued
    cdef public long long annotated
    cdef public long long released
    cdef object _names
    cdef long long _hold
    cdef object _held
    cdef long long _held_bytes
    cdef dict _described
    cdef object _findings
    cdef dict _options
    cdef set _processes
    cdef object _kept

    @cython.locals(finding=Finding)
    cpdef findings(self, list found)
    cdef _note(self, Finding finding)
    @cython.locals(first=_Held)
    cdef _release(self, long long now)
    @cython.locals(packet=Packet, data=bytes, at=cython.longlong, padding=int, length=cython.longlong)
    cdef _write(self, _Held held)
    @cython.locals(near=_Note)
    cdef bytes _options_of(self, tuple key, tuple found)
    cdef long long _interface(self, Packet packet) except -1
