# C types for rows.py.
import cython
from correlator.core.connection cimport Connection
from correlator.core.finding cimport Finding
from correlator.report.buffer cimport Buffer
from correlator.report.cells cimport Lines
from correlator.report.columns cimport put_connection, put_finding

cdef class Rows:
    cdef Lines _cells
    cdef Connection _connection
    cdef bytes _shared
    cdef dict _alone

    @cython.locals(cells=Lines, buffer=Buffer, finding=Finding, begin=Py_ssize_t)
    cpdef bytes lines(self, list found)
    @cython.locals(cells=Lines, buffer=Buffer, known=bytes, begin=Py_ssize_t)
    cdef _put_alone(self, Finding finding)
