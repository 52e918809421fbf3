# C types for explain.py.
import cython
from correlator.core.address cimport endpoint_text
from correlator.core.model cimport Connection, Owner, Socket

cpdef str explain(Connection connection, side, verdict, cause, Socket socket, Socket listener, Owner owner, was)
cpdef str _meaning(Connection connection, verdict, cause, Socket socket, Socket listener)
