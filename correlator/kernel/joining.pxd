# C types for joining.py.
import cython
from correlator.core.model cimport Evidence, Socket
from correlator.kernel.endings cimport Ending

cdef class Joining:
    cdef public long long late
    cdef object _owner
    cdef object _ended
    cdef object _destroyed
    cdef Py_ssize_t _most

    @cython.locals(ending=Ending, evidence=Evidence, end=Ending)
    cpdef list take(self, destroyed, ended, long long now)
    @cython.locals(evidence=Evidence, ending=Ending, until=cython.longlong)
    cdef _give_up(self, long long now, list found)
    cdef _tell(self, Evidence evidence, list found)
    cdef _join(self, Evidence evidence, Ending ending, list found)
    @cython.locals(entry=Socket)
    cdef Evidence _joined(self, Evidence evidence, Ending ending)
    cdef list _alone(self, Ending ending)

cdef Socket _socket(Ending ending, object uid, str netns, str cgroup)
cdef Evidence _changed(Ending ending, Socket entry, bint foreign)
