# C types for matcher.py.
import cython
from correlator.core.evidence cimport EvidenceIndex
from correlator.core.facts cimport merged, same_socket
from correlator.core.known cimport Known
from correlator.core.connection cimport Connection
from correlator.core.model cimport Owner, Socket

cdef long long _UNKNOWN

cdef class Match:
    cdef readonly Socket socket
    cdef readonly object source
    cdef readonly object was
    cdef readonly Owner owner
    cdef readonly object owner_by
    cdef readonly object tcp_info

@cython.locals(known=Known, newest=cython.longlong, older=list)
cdef list _latest_born(list found)
cdef bint _is_its_birth(long long born, Connection connection, side) except -1
cdef bint _is_too_lively(Known known, Connection connection) except -1
@cython.locals(known=Known, knowns=list, gone=list, found=list, foreign=int, fits=bint, start=cython.longlong, end=cython.longlong,
               opened_at=cython.longlong)
cdef list _candidates(EvidenceIndex index, Connection connection, side, patience)
@cython.locals(known=Known, candidates=list)
cpdef Match match(EvidenceIndex index, Connection connection, side, patience=*)
cpdef tuple span(Connection connection, patience)
