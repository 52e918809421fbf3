# C types for trace_pages.py.
import cython
from correlator.core.words cimport half, long_word, word

cdef class Event:
    cdef readonly long long at
    cdef readonly int kind
    cdef readonly unsigned long long socket
    cdef readonly long long thread
    cdef readonly int old
    cdef readonly int new
    cdef readonly int family
    cdef readonly bytes local
    cdef readonly int local_port
    cdef readonly bytes remote
    cdef readonly int remote_port
    cdef readonly unsigned long long cookie

cdef class Layout:
    cdef readonly int number
    cdef readonly int kind
    cdef readonly int size
    cdef readonly int socket
    cdef readonly int source_port
    cdef readonly int destination_port
    cdef readonly int family
    cdef readonly int source
    cdef readonly int destination
    cdef readonly int source_v6
    cdef readonly int destination_v6
    cdef readonly int old
    cdef readonly int new
    cdef readonly int cookie

@cython.locals(now=cython.ulonglong, commit=cython.ulonglong, end=Py_ssize_t, at=Py_ssize_t, head=cython.uint,
               kind=int, delta=cython.ulonglong, extra=cython.ulonglong, record=Py_ssize_t, size=Py_ssize_t, shape=Layout,
               found=list)
cpdef list events(bytes page, dict layouts, long long offset)

@cython.locals(family=int, local=bytes, remote=bytes, is_state=bint)
cdef Event _event(bytes page, Py_ssize_t at, long long now, Layout shape)
