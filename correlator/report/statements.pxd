# C types for statements.py.
import cython
from correlator.core.model cimport Evidence, Owner, Socket
from correlator.report.buffer cimport Buffer
from correlator.report.cells cimport json_text

@cython.final
cdef class StatementLines:
    cdef Buffer _buffer
    cdef dict _owners

    @cython.locals(buffer=Buffer)
    cpdef bytes lines(self, list statements)
    @cython.locals(buffer=Buffer, owner=Owner)
    cdef _evidence(self, Evidence evidence)
    @cython.locals(buffer=Buffer)
    cdef _socket(self, Socket socket)
    @cython.locals(buffer=Buffer)
    cdef _asked(self, asked)
    cdef str _owner(self, Owner owner)
    cdef _info(self, info)
    cdef _number(self, str name, value)
    cdef _time(self, str name, at)
