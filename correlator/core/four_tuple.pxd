# C types for four_tuple.py.
import cython

cdef list _PORTS
@cython.locals(found=bytes)
cpdef bytes port_bytes(int port)
cpdef bytes key_of(bytes local, int local_port, bytes remote, int remote_port)
