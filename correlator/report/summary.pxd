# C types for summary.py.
import cython
from correlator.core.address cimport endpoint_text
from correlator.core.connection cimport End
from correlator.core.finding cimport Finding
from correlator.core.model cimport Owner, Socket

cdef class Summary:
    cdef public object verdicts
    cdef long long _alone
    cdef public object causes
    cdef public object listeners
    cdef public object connectors
    cdef public object tables
    cdef Owner _owner
    cdef str _who

    @cython.locals(finding=Finding)
    cpdef findings(self, list found)
    @cython.locals(owner=Owner, listener=Socket, server=End, who=str, where=str)
    cdef _count(self, Finding finding)
