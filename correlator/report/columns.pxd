# C types for columns.py.
import cython
from correlator.core.connection cimport Connection
from correlator.core.finding cimport Finding
from correlator.core.model cimport Owner, Socket
from correlator.report.cells cimport Cells
from correlator.report.community cimport CommunityHash

@cython.locals(near=int, far=int)
cpdef put_connection(Cells cells, Connection connection)

@cython.locals(socket=Socket, owner=Owner, listener=Socket, cgroup=str)
cpdef put_finding(Cells cells, Finding finding)

cdef tuple _HANDSHAKES
cdef tuple _CLOSES
cdef CommunityHash _HASH
