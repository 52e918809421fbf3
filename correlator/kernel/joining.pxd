# C types for joining.py.
import cython
from correlator.core.model cimport Evidence, Owner, Socket
from correlator.kernel.endings cimport Ending
from correlator.kernel.sock_diag cimport Entry

cdef class Joining:
    cdef public long long late
    cdef object _owner
    cdef dict _ended
    cdef dict _destroyed
    cdef dict _owners
    cdef Py_ssize_t _most

    @cython.locals(ending=Ending, entry=Entry, end=Ending)
    cpdef list take(self, destroyed, ended, long long now)
    @cython.locals(entry=Entry, ending=Ending, excess=Py_ssize_t, lone=list, ends=list)
    cdef _give_up(self, long long now, list found)
    cdef Owner _owner_of(self, long long thread)
    @cython.locals(described=Socket)
    cdef _join(self, Entry entry, Ending ending, list found)
    @cython.locals(described=Socket)
    cdef _tell_end(self, Ending ending, list found)

cpdef Evidence destroyed_at_some_time(Entry entry)
cdef Socket _socket(Ending ending, object uid, str netns, str cgroup)
cdef Evidence _changed(Ending ending, Socket entry, bint foreign)
