# C types for socket_lines.py.
import cython
from correlator.core.address cimport is_any, is_mapped
from correlator.core.model cimport Owner, Socket
from correlator.report.buffer cimport Buffer

cdef int _PROTOCOL
cdef int _WIRE
cdef int _END
cdef int _STATE
cdef int _V6ONLY
cdef int _BETWEEN
cdef int _NEW_LINE

@cython.locals(table=Buffer, at=Py_ssize_t, socket=Socket, owner=Owner)
cpdef str truth_table(list rows)
cdef Py_ssize_t _end_cell(Buffer table, Py_ssize_t begin, Py_ssize_t width) except -1
cpdef str protocol(Socket socket)
cpdef str wire(Socket socket)
cpdef str v6only_text(Socket socket)
cpdef str state_name(Socket socket)
cpdef str program(Owner owner)
