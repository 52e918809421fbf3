# C types for columns.py.
import cython
from correlator.core.four_tuple cimport key_of_words
from correlator.core.connection cimport Connection
from correlator.core.finding cimport Finding
from correlator.core.model cimport Owner, Socket
from correlator.report.cells cimport Cells

@cython.locals(near=int, far=int)
cpdef put_connection(Cells cells, Connection connection)

@cython.locals(socket=Socket, owner=Owner, listener=Socket, cgroup=str)
cpdef put_finding(Cells cells, Finding finding)

@cython.locals(near=int, far=int, key=bytes, ports=Py_ssize_t)
cpdef bytes community_hash(Connection connection)
cdef bint _is_lower(Connection connection, int one, int other) except -1
cdef tuple _HANDSHAKES
cdef tuple _CLOSES
cdef bytes _SEED
cdef bytes _PROTOCOL
