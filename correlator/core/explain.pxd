# C types for explain.py.
import cython
from correlator.core.address cimport endpoint_text
from correlator.core.connection cimport Connection
from correlator.core.model cimport Owner, Socket

cpdef str explain(Connection connection, side, verdict, cause, Socket socket, Socket listener, Owner owner, was)
cdef str _who(Owner owner)
cdef str _mixed(Connection connection, cause, Socket socket, Socket listener)
cpdef str without_socket(Connection connection)
cdef tuple _ALONE
