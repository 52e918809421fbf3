# C types for matcher.py.
import cython
from correlator.core.evidence cimport EvidenceIndex, Known
from correlator.core.facts cimport merged, same_socket
from correlator.core.model cimport Connection, Owner, Socket

cdef class Match:
    cdef readonly Socket socket
    cdef readonly object source
    cdef readonly tuple knowns
    cdef readonly object was
    cdef readonly Owner owner
    cdef readonly object owner_by
    cdef readonly object tcp_info

cdef bint _is_its_birth(long long born, Connection connection, side) except -1
cdef bint _is_too_lively(Known known, Connection connection) except -1
@cython.locals(known=Known, gone=list, found=list, foreign=int)
cdef list _candidates(EvidenceIndex index, Connection connection, side, patience)
@cython.locals(known=Known, candidates=list)
cpdef Match match(EvidenceIndex index, Connection connection, side, patience=*)
cpdef tuple span(Connection connection, patience)
