# C types for known.py.
import cython
from correlator.core.model cimport Evidence, Owner, Socket

cdef long long _UNKNOWN
cdef int _BOTH

@cython.final
cdef class Known:
    cdef public Socket socket
    cdef public object source
    cdef public long long first_at
    cdef public long long last_at
    cdef public Owner owner
    cdef public object owner_by
    cdef public object tcp_info
    cdef public long long born
    cdef public bint foreign
    cdef public long long uses

    cpdef bint within(self, long long start, long long end)

@cython.locals(last=Known)
cpdef bint is_aged(list rows, Evidence evidence, long long age) except -1
@cython.locals(socket=Socket, known=Known, at=cython.longlong, since=cython.longlong, timed=int)
cpdef fold_into(list rows, Evidence evidence)
cdef long long _time(told) except? -1
cdef long long _since(Evidence evidence) except? -1
cpdef Known known_of(Evidence evidence)
