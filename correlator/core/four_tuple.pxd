# C types for four_tuple.py.
import cython

cdef bytearray _KEY
cdef Py_ssize_t _MOST
@cython.locals(raw=cython.p_uchar, at=Py_ssize_t, byte=cython.uchar)
cpdef bytes key_of(bytes local, int local_port, bytes remote, int remote_port)
