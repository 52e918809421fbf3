# C types for merging.py.
import cython

cdef Py_ssize_t _KEY
cdef Py_ssize_t _BLOCK
cdef Py_ssize_t _AT_ONCE

@cython.final
cdef class _Lines:
    cdef object _file
    cdef bytes _data
    cdef Py_ssize_t _at
    cdef Py_ssize_t _end
    cdef readonly bytes key

    cdef bytes line(self)
    cdef go_on(self)

@cython.locals(first=_Lines, source=_Lines)
cdef list _some(list sources)
