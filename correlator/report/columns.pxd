# C types for columns.py.
import cython
from correlator.core.model cimport Connection, End, Finding, Owner, Socket

@cython.locals(client=End, server=End)
cpdef dict connection_record(Connection connection)

@cython.locals(socket=Socket, owner=Owner, listener=Socket, row=dict)
cpdef dict finding_record(Finding finding)

@cython.locals(parts=list, name=str, is_strangers=bint, is_rtt=bint)
cdef str _joined(dict row, tuple columns)

cpdef str _quoted(str value)

@cython.locals(one=bytes, other=bytes, data=bytes)
cpdef str community_id(bytes source, bytes destination, int source_port, int destination_port)
