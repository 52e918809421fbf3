# C types for finding.py.
import cython
from correlator.core.connection cimport Connection
from correlator.core.model cimport Owner, Socket

cdef class Finding:
    cdef readonly Connection connection
    cdef readonly object side
    cdef readonly object verdict
    cdef readonly object cause
    cdef readonly str explanation
    cdef readonly object evidence
    cdef readonly Socket socket
    cdef readonly Socket listener
    cdef readonly Owner owner
    cdef readonly object owner_by
    cdef readonly object tcp_info
    cdef readonly object was
    cdef readonly bint final
    cdef readonly object leg

@cython.locals(found=Finding)
cpdef Finding unmatched(Connection connection, str explanation, bint final)
