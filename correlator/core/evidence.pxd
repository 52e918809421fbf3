# C types for evidence.py.
import cython
from correlator.core.address cimport unmapped
from correlator.core.four_tuple cimport key_of
from correlator.core.known cimport Known, fold_into, is_aged, known_of
from correlator.core.model cimport Evidence, Owner, Socket

cdef long long _UNKNOWN

cdef class EvidenceIndex:
    cdef public object bounds
    cdef public long long dropped
    cdef public long long statements
    cdef public dict _sockets
    cdef public object _listeners
    cdef public long long _listener_count
    cdef public dict _sole
    cdef public bint has_gaps
    cdef public bint has_timeless
    cdef public object _answers
    cdef public set _answered
    cdef public dict _clipped
    cdef public long long _clipped_count
    cdef public object _gone
    cdef public list _gaps
    cdef public object _owners
    cdef public long long _most
    cdef public long long _each

    cpdef add(self, statement)
    cpdef list sockets(self, bytes key)
    @cython.locals(known=Known)
    cpdef long long count_uses(self, bytes one, bytes other) except -1
    cpdef list listeners(self, int port)
    cpdef tuple sole_listener(self, int port)
    cpdef list answers(self, bytes key)
    cpdef bint has_answers(self, int port) except -1
    @cython.locals(known=Known, owner=Owner, holder=Owner, user=Owner, holders_differ=bint, users_differ=bint)
    cpdef tuple owners(self, knowns)
    @cython.locals(known=Known, first=Socket)
    cpdef bint is_contested(self, int port) except -1
    cdef Owner _holder(self, Socket socket)
    cpdef bint is_gone(self, Known known, long long at) except -1
    @cython.locals(known=Known, rows=list, kept=list)
    cpdef forget(self, bytes key, long long before)
    @cython.locals(socket=Socket, key=bytes, rows=list)
    cdef _add_socket(self, Evidence evidence)
    @cython.locals(socket=Socket)
    cdef _add_evidence(self, Evidence evidence)
