# C types for link.py.
import cython

cdef class Network:
    cdef readonly int ethertype
    cdef readonly Py_ssize_t offset
    cdef readonly unsigned int ifindex
    cdef readonly int direction

cpdef object network(int link_type, bytes data)

@cython.locals(snap_seen=bint, ethertype=int)
cpdef object _tagged(bytes data, Py_ssize_t field, unsigned int ifindex=*, int direction=*)
