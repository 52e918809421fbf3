# guard.py in C.
cdef extern from *:
    """
    #include <signal.h>
    #include <string.h>
    #include <sys/mman.h>
    #include <unistd.h>

    #define GUARD_MOST 64  /* parts at a time */
    static size_t guard_page;
    static struct { char *begin; size_t size; volatile sig_atomic_t is_cut; } guard_parts[GUARD_MOST];

    static void guard_caught(int number, siginfo_t *info, void *context) {
        char *at = (char *)info->si_addr;
        int i;
        (void)context;
        for (i = 0; i < GUARD_MOST; i++) {
            char *begin = guard_parts[i].begin;
            if (begin && at >= begin && at < begin + guard_parts[i].size) {
                size_t rest = (size_t)(at - begin) / guard_page * guard_page;
                void *zeros = mmap(begin + rest, guard_parts[i].size - rest, PROT_READ,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
                guard_parts[i].is_cut = 1;
                if (zeros != MAP_FAILED)
                    return;
            }
        }
        signal(number, SIG_DFL);  /* none of ours: it comes again, and ends the program */
    }

    static int guard_place(PyObject *part, char **begin, size_t *size) {
        Py_buffer view;
        int i;
        if (PyObject_GetBuffer(part, &view, PyBUF_SIMPLE) < 0)
            return -2;
        *begin = (char *)view.buf;
        *size = (size_t)view.len;
        PyBuffer_Release(&view);
        for (i = 0; i < GUARD_MOST; i++)
            if (guard_parts[i].begin == *begin)
                return i;
        return -1;
    }

    static int guard_watch(PyObject *part) {
        static int is_set = 0;
        char *begin;
        size_t size;
        int i;
        if (guard_place(part, &begin, &size) == -2)
            return -1;
        if (!is_set) {
            struct sigaction action;
            guard_page = (size_t)sysconf(_SC_PAGESIZE);
            memset(&action, 0, sizeof action);
            action.sa_sigaction = guard_caught;
            action.sa_flags = SA_SIGINFO | SA_ONSTACK;
            if (sigaction(SIGBUS, &action, NULL) < 0)
                return 0;
            is_set = 1;
        }
        for (i = 0; i < GUARD_MOST; i++)
            if (!guard_parts[i].begin) {
                guard_parts[i].is_cut = 0;
                guard_parts[i].size = size;
                guard_parts[i].begin = begin;
                return 1;
            }
        return 0;
    }

    static int guard_is_cut(PyObject *part) {
        char *begin;
        size_t size;
        int i = guard_place(part, &begin, &size);
        return i == -2 ? -1 : i >= 0 && guard_parts[i].is_cut;
    }

    static int guard_leave(PyObject *part) {
        char *begin;
        size_t size;
        int i = guard_place(part, &begin, &size);
        if (i < 0)
            return i == -2 ? -1 : 0;
        guard_parts[i].begin = NULL;
        return guard_parts[i].is_cut;
    }
    """
    bint watch "guard_watch"(object part) except -1
    bint leave "guard_leave"(object part) except -1
    bint is_cut "guard_is_cut"(object part) except -1
