# C types for listeners.py.
import cython
from correlator.core.address cimport is_any, unmapped
from correlator.core.evidence cimport EvidenceIndex
from correlator.core.facts cimport merged, same_socket
from correlator.core.known cimport Known
from correlator.core.matcher cimport span
from correlator.core.connection cimport Connection
from correlator.core.model cimport Socket

@cython.locals(known=Known, answers=list, there=list, rows=list, sole=Socket)
cpdef tuple listener(EvidenceIndex index, Connection connection, family, str netns=*)
cpdef Connection oriented(EvidenceIndex index, Connection connection)
cpdef bint takes(Socket socket, Connection connection) except -1
