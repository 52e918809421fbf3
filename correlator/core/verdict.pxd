# C types for verdict.py.
import cython
from correlator.core.address cimport is_mapped
from correlator.core.connection cimport Connection
from correlator.core.model cimport Socket

cpdef object verdict(wire, family)
cpdef object cause(what, Connection connection, side, Socket listener)
