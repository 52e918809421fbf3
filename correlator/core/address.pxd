# C types for address.py.
import cython
from correlator.core.words cimport piece

cdef int _IPV6_LENGTH

cpdef bint is_mapped(bytes address) except -1
cpdef bytes unmapped(bytes address)
@cython.locals(own=bytes)
cpdef bint is_any(bytes address) except -1
@cython.locals(place=int)
cdef int _first_set(bytes address, Py_ssize_t end) except -1
cpdef str endpoint_text(bytes address, int port)
