# C types for columns.py.
import cython
from correlator.core.model cimport Connection, End, Finding, Owner, Socket
from correlator.report.cells cimport Cells

@cython.locals(client=End, server=End)
cpdef put_connection(Cells cells, Connection connection)

@cython.locals(socket=Socket, owner=Owner, listener=Socket, cgroup=str)
cpdef put_finding(Cells cells, Finding finding)

@cython.locals(data=bytes)
cpdef str community_id(End client, End server)
