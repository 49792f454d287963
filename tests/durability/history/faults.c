/* A disk that fails: preloaded into the program, it stands between SQLite and the system for
 * the files whose names hold "history.db". What it does is the first word of the file that
 * HEARTH_FAULTS names, read anew for each call:
 *
 *   none        nothing
 *   fail N      of 100 writes and syncs, N fail with EIO
 *   short N     of 100 writes, N write a part of what they are given and say so
 *   torn N      of 100 writes, N write a part of what they are given and fail with EIO
 *   full        no write finds room (ENOSPC)
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_uint state = 1;

static unsigned percent(void)
{
    unsigned s = atomic_load(&state);
    s ^= s << 13;
    s ^= s >> 17;
    s ^= s << 5;
    atomic_store(&state, s);
    return s % 100;
}

static int is_history(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return strstr(path, "history.db") != NULL;
}

enum { NOTHING, FAIL, SHORT, TORN, FULL };

static int fault(int fd)
{
    const char *name = getenv("HEARTH_FAULTS");
    int saved = errno, kind = NOTHING;
    if (name == NULL || !is_history(fd)) {
        errno = saved;
        return NOTHING;
    }
    FILE *file = fopen(name, "re");
    if (file != NULL) {
        char word[16] = "";
        unsigned often = 100;
        if (fscanf(file, "%15s %u", word, &often) >= 1 && percent() < often) {
            kind = !strcmp(word, "fail")    ? FAIL
                   : !strcmp(word, "short") ? SHORT
                   : !strcmp(word, "torn")  ? TORN
                   : !strcmp(word, "full")  ? FULL
                                            : NOTHING;
        }
        fclose(file);
    }
    errno = saved;
    return kind;
}

/* Whether a call with so many bytes goes on, and with how many; otherwise errno says why not. */
static int passes(int kind, size_t *count)
{
    switch (kind) {
    case FAIL:
        errno = EIO;
        return 0;
    case FULL:
        errno = ENOSPC;
        return 0;
    case SHORT:
    case TORN:
        *count = *count > 1 ? *count / 2 : *count;
        return 1;
    default:
        return 1;
    }
}

static ssize_t told(int kind, ssize_t written)
{
    if (kind != TORN)
        return written;
    errno = EIO;
    return -1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t count)
{
    int kind = fault(fd);
    return passes(kind, &count) ? told(kind, NEXT(write)(fd, bytes, count)) : -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    int kind = fault(fd);
    return passes(kind, &count) ? told(kind, NEXT(pwrite)(fd, bytes, count, at)) : -1;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at)
{
    int kind = fault(fd);
    return passes(kind, &count) ? told(kind, NEXT(pwrite64)(fd, bytes, count, at)) : -1;
}

int fsync(int fd)
{
    if (fault(fd) == FAIL) {
        errno = EIO;
        return -1;
    }
    return NEXT(fsync)(fd);
}

int fdatasync(int fd)
{
    if (fault(fd) == FAIL) {
        errno = EIO;
        return -1;
    }
    return NEXT(fdatasync)(fd);
}
