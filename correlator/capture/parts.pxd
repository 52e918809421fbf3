# parts.py in C.
cdef extern from *:
    """
    #include <signal.h>
    #include <string.h>
    #include <sys/mman.h>
    #include <sys/stat.h>
    #include <unistd.h>

    typedef struct Part {
        int is_used, descriptor;
        unsigned char *begin;
        size_t size;
        volatile sig_atomic_t is_cut;
        struct Part *next;
    } Part;

    static Part *part_first;  /* of all that there ever were: a handler may be looking through them at any time */
    static struct sigaction part_before;

    /* In the thread that looked. mmap(2) is one call of the system's, which can be made in a handler. */
    static void part_caught(int number, siginfo_t *info, void *context) {
        unsigned char *at = (unsigned char *)info->si_addr;
        size_t page = (size_t)sysconf(_SC_PAGESIZE), rest;
        Part *part;
        (void)context;
        for (part = part_first; part != NULL; part = part->next)
            if (part->begin != NULL && at >= part->begin && at < part->begin + part->size) {
                rest = (size_t)(at - part->begin) / page * page;
                part->is_cut = 1;
                if (mmap(part->begin + rest, part->size - rest, PROT_READ,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
                    return;
            }
        sigaction(number, &part_before, NULL);  /* none of ours: it comes again, for who had it before */
    }

    static const unsigned char *part_go_to(void *found, long long begin, Py_ssize_t size) {
        Part *part = (Part *)found;
        void *mapped = part->begin;
        part->begin = NULL;  /* before others may have the place */
        if (mapped != NULL)
            munmap(mapped, part->size);
        part->size = 0;
        mapped = size > 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, part->descriptor, begin) : MAP_FAILED;
        if (mapped == MAP_FAILED)
            return NULL;
        madvise(mapped, (size_t)size, MADV_SEQUENTIAL);
        part->size = (size_t)size;
        part->begin = (unsigned char *)mapped;
        return part->begin;
    }

    static void part_drop(PyObject *capsule) {
        Part *part = (Part *)PyCapsule_GetPointer(capsule, NULL);
        part_go_to(part, 0, 0);
        part->is_used = 0;
    }

    static PyObject *part_new(int descriptor) {
        static int is_set = 0;
        struct sigaction action;
        Part *part = part_first;
        while (part != NULL && part->is_used)
            part = part->next;
        if (part == NULL) {
            if ((part = (Part *)PyMem_RawCalloc(1, sizeof *part)) == NULL)
                return PyErr_NoMemory();
            part->next = part_first;
            part_first = part;
        }
        part->is_used = 1;
        part->is_cut = 0;
        part->descriptor = descriptor;
        if (!is_set) {
            memset(&action, 0, sizeof action);
            action.sa_sigaction = part_caught;
            action.sa_flags = SA_SIGINFO | SA_ONSTACK;
            sigaction(SIGBUS, &action, &part_before);
            is_set = 1;
        }
        return PyCapsule_New(part, NULL, part_drop);
    }

    static void *part_of(PyObject *capsule) { return PyCapsule_GetPointer(capsule, NULL); }

    static Py_ssize_t part_size(void *part) { return (Py_ssize_t)((Part *)part)->size; }

    static long long part_file_size(void *part) {
        struct stat status;
        return fstat(((Part *)part)->descriptor, &status) < 0 ? 0 : (long long)status.st_size;
    }

    static int part_is_cut(void *part) { return ((Part *)part)->is_cut; }
    """
    object new "part_new"(int descriptor)
    void *of "part_of"(object kept) except NULL
    const unsigned char *go_to "part_go_to"(void *part, long long begin, Py_ssize_t size) noexcept nogil
    Py_ssize_t size "part_size"(void *part) noexcept nogil
    long long file_size "part_file_size"(void *part) noexcept nogil
    bint is_cut "part_is_cut"(void *part) noexcept nogil
