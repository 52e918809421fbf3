# C types for matcher.py.
import cython
from correlator.core.evidence cimport Known, same_socket
from correlator.core.model cimport Connection, Owner, Socket

cdef class Match:
    cdef readonly Socket socket
    cdef readonly object source
    cdef readonly tuple knowns
    cdef readonly object was
    cdef readonly Owner owner
    cdef readonly object owner_by

cpdef bint takes(Socket socket, Connection connection)
cdef bint _is_too_lively(Known known, Connection connection)
