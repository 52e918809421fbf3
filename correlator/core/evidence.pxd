# C types for evidence.py.
import cython
from correlator.core.model cimport Evidence, Owner, Socket

cdef class Known:
    cdef public Socket socket
    cdef public object source
    cdef public object first_at
    cdef public object last_at
    cdef public Owner owner
    cdef public object owner_by
    cdef public object tcp_info
    cdef public object born
    cdef public long long uses

    cpdef bint within(self, start, end)

cpdef object same_socket(Socket one, Socket other)

@cython.locals(socket=Socket, known=Known)
cdef _fold_into(list rows, Evidence evidence)
