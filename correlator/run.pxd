# C types for run.py.
import cython
from correlator.core.engine cimport Engine
from correlator.core.segment cimport Packet, Segment
from correlator.core.tracker cimport Step
from correlator.wire.decode cimport Decoder

cdef class Run:
    cdef public Engine engine
    cdef public Decoder decoder
    cdef public object outputs
    cdef public long long packets
    cdef public object statistics
    cdef public object record
    cdef object _past
    cdef object _lookups

    @cython.locals(packet=Packet, decoded=Segment, step=Step, every=bint)
    cpdef take(self, list packets)
