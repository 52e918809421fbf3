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

    @cython.locals(cells=Lines, buffer=Buffer, finding=Finding, begin=Py_ssize_t)
    cpdef bytes lines(self, list found)
