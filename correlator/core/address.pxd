# C types for address.py.
import cython
from correlator.core.words cimport piece

cdef int _IPV4_LENGTH
cdef int _IPV6_LENGTH
cdef int _ZERO
cdef int _NINE
cdef int _DOT
cdef int _MOST
cdef int _MOST_PORT

cpdef bint is_mapped(bytes address) except -1
cpdef bytes unmapped(bytes address)
@cython.locals(own=bytes)
cpdef bint is_any(bytes address) except -1
@cython.locals(place=int)
cdef int _first_set(bytes address, Py_ssize_t end) except -1
cpdef str endpoint_text(bytes address, int port)
@cython.locals(address=cython.uint, octet=int, digits=int, dots=int, place=Py_ssize_t, letter=int)
cdef bytes _dotted_quad(str value, Py_ssize_t begin)
@cython.locals(head=str, gap=str, tail=str, before=list, after=list, zeros=Py_ssize_t, digits=str, group=str, found=bytes)
cdef bytes _groups(str value)
@cython.locals(zone=Py_ssize_t, bare=str, tail=bytes)
cpdef bytes parse(str value)
@cython.locals(port=int, place=Py_ssize_t, digit=int)
cpdef int parse_port(str value) except -1
