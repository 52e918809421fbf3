# C types for matcher.py.
import cython
from correlator.core.evidence cimport EvidenceIndex, Known, same_socket
from correlator.core.model cimport Connection, Owner, Socket

cdef class Match:
    cdef readonly Socket socket
    cdef readonly object source
    cdef readonly tuple knowns
    cdef readonly object was
    cdef readonly Owner owner
    cdef readonly object owner_by

cpdef bint takes(Socket socket, Connection connection) except -1
cdef bint _is_its_birth(long long born, Connection connection, side) except -1
cdef bint _is_too_lively(Known known, Connection connection) except -1
@cython.locals(known=Known, gone=list, found=list, foreign=int)
cdef list _candidates(EvidenceIndex index, Connection connection, side, patience)
@cython.locals(known=Known, candidates=list)
cpdef Match match(EvidenceIndex index, Connection connection, side, patience=*)
@cython.locals(known=Known, answers=list, there=list)
cpdef tuple listener(EvidenceIndex index, Connection connection, family, str netns=*)
@cython.locals(result=Socket, older=Socket, shape=Socket)
cpdef Socket merged(list sockets, family)
cdef Socket _with_facts(Socket socket, inode, uid, cookie, v6only, str cgroup, str netns)
cdef tuple _span(Connection connection, patience)
