# C types for four_tuple.py.
import cython
from correlator.core.words cimport piece

cdef bytes _PORT_BYTES
cpdef bytes port_bytes(int port)
cpdef bytes key_of(bytes local, int local_port, bytes remote, int remote_port)
