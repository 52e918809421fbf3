# C types for run.py.
import cython
from correlator.core.engine cimport Engine
from correlator.core.flow cimport Flow
from correlator.core.frames cimport Frames
from correlator.core.segment cimport Segment
from correlator.core.tracker cimport Tracker
from correlator.wire.decode cimport Decoder

cdef class Run:
    cdef public Engine engine
    cdef public Decoder decoder
    cdef public object outputs
    cdef public long long packets
    cdef public object sieve
    cdef public object statistics
    cdef public object record
    cdef object _past
    cdef list _lookups

    cpdef take(self, Frames frames)
    @cython.locals(number=Py_ssize_t, every=bint, segments=list, engine=Engine, tracker=Tracker,
                   segment=Segment, flow=Flow)
    cdef _take_each(self, Frames frames, sink)
