# C types for ss.py.
import cython
from correlator.core.address cimport parse, parse_port
from correlator.core.model cimport Evidence, Owner, Socket
from correlator.kernel.tables.numbers cimport number

@cython.locals(rows=list, more=list, goes_on=bint, line=str, text=str)
cdef list _rows(lines)
cdef bint _is_about_tcp(str text) except -1
@cython.locals(begin=Py_ssize_t, words=list, rest=str)
cdef list _words(str row)
@cython.locals(words=list, near=str, far=str, rest=str, local=bytes, remote=bytes, local_port=int, remote_port=int,
               details=str, known=str, behind=str, socket=Socket)
cdef Evidence _statement(str row, bint old)
@cython.locals(host=str)
cdef bytes _address(str end, bint old)
@cython.locals(port=str)
cdef int _port(str end) except -1
@cython.locals(begin=Py_ssize_t, end=Py_ssize_t)
cdef tuple _first_user(str rest)
@cython.locals(begin=Py_ssize_t, end=Py_ssize_t)
cdef str _value(str details, str key)
@cython.locals(place=Py_ssize_t)
cdef object _v6only(str details, str local_end, bint implied)
